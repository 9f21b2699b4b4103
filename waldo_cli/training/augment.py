"""Batches of varied views: turned, pasted, half hidden, recoloured, blurred and printed badly.

Waldo stands on some fifty drawings only. What makes thousands of him is cutting him out, with or without
his shirt, and pasting him onto other pages; that a paste leaves traces tells the network nothing,
because his look-alikes and strangers are pasted as often.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.nn import functional

from waldo_cli.training.data import NOBODY, PATCH, Bytes, Patches
from waldo_cli.training.network import LABELS

Random = np.random.Generator
Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Mix:
    """What a batch is made of.

    Attributes
    ----------
    size
        Side of a sample in pixels.
    head
        Height of a head in it, pixels.
    shift
        A character's centre lies up to so many pixels off the sample's centre.
    octaves
        Its scale differs by up to so many octaves.
    real, pasted, strangers, empty
        Samples per batch: characters where they stand, characters pasted elsewhere, other places
        pasted elsewhere, and places where nobody is.
    shares
        How often each of `LABELS` is drawn among the characters; the last are the look-alikes.
    """

    size: int
    head: float
    shift: float
    octaves: float
    real: int
    pasted: int
    strangers: int
    empty: int
    shares: tuple[float, ...]


@dataclass
class Batch:
    """Samples with what is on them.

    Attributes
    ----------
    images
        ``(N, 3, S, S)`` in [0, 1], channels last in memory; places where nobody is come last.
    labels
        ``(N,)`` indices into `LABELS`.
    x, y
        ``(N,)`` the character's centre, pixels off the sample's centre.
    head
        ``(N,)`` the height of the character's head, pixels.
    places
        Indices of the empty places among the patches they were drawn from.
    """

    images: Tensor
    labels: NDArray[np.intp]
    x: Numbers
    y: Numbers
    head: Numbers
    places: NDArray[np.intp]


def make_batch(mix: Mix, characters: Patches, places: Patches, random: Random) -> Batch:
    """A fresh batch: real and pasted characters, pasted strangers, empty places."""
    real = _draw_characters(characters, mix.real, mix.shares, random)
    standing = _Pose.random(mix.real, mix.shift, mix.octaves, random)
    images = [_view(characters.pixels[real], characters.head, standing, mix)[0]]

    count = mix.pasted + mix.strangers
    ground = random.integers(0, len(places.labels), count)
    pose = _Pose.random(count, 0.5 * mix.head, 0.5, random)
    behind, _ = _view(places.pixels[ground], places.head, pose, mix)
    pasted = _draw_characters(characters, mix.pasted, mix.shares, random)
    strangers = places.draw(mix.strangers, random)
    pasting = _Pose.random(count, mix.shift, mix.octaves, random)
    before, grid = _view(
        np.concatenate([characters.pixels[pasted], places.pixels[strangers]]),
        characters.head,
        pasting,
        mix,
    )
    before = _recoloured(before, random, strength=0.5, gamma=0.0)
    if random.random() < 0.2:
        before = _blurred(before, random.uniform(0.2, 0.9, count) * mix.head / 24)
    mask = _cut_outs(grid * (PATCH / 2 / characters.head), random)
    images.append(behind + (before - behind) * mask)

    empty = places.draw(mix.empty, random)
    off = _Pose.random(mix.empty, 0.3 * mix.head, mix.octaves, random)
    images.append(_view(places.pixels[empty], places.head, off, mix)[0])

    samples = torch.cat(images)
    poses = (standing, pasting, off)
    x, y = np.concatenate([p.x for p in poses]), np.concatenate([p.y for p in poses])
    _hide_parts(samples, mix.head, random)
    _end_the_page(samples, x, y, mix.head, random)
    samples = _recoloured(samples, random)
    samples = _degraded(samples, mix.head, random)
    nobody = np.full(mix.strangers, NOBODY)
    return Batch(
        samples.contiguous(memory_format=torch.channels_last),
        np.concatenate(
            [characters.labels[real], characters.labels[pasted], nobody, places.labels[empty]]
        ),
        x,
        y,
        mix.head * 2 ** np.concatenate([p.octaves for p in poses]),
        empty,
    )


def _draw_characters(
    characters: Patches, count: int, shares: Sequence[float], random: Random
) -> NDArray[np.intp]:
    """Indices of characters, each kind as often as its share says; missing kinds yield to Waldo."""
    kinds = random.choice(len(LABELS), count, p=np.asarray(shares) / sum(shares))
    known = set(characters.labels.tolist())
    kinds = np.where(np.isin(kinds, list(known)), kinds, 0)
    out = np.empty(count, np.intp)
    for kind in np.unique(kinds):
        here = kinds == kind
        out[here] = characters.draw(int(here.sum()), random, int(kind))
    return out


@dataclass
class _Pose:
    """How each sample of a batch is turned: shift in pixels, octaves, angle, mirror."""

    x: Numbers
    y: Numbers
    octaves: Numbers
    angle: Numbers
    mirror: Numbers

    @classmethod
    def random(cls, count: int, shift: float, octaves: float, random: Random) -> _Pose:
        turned = random.random(count) < 0.3
        return cls(
            random.uniform(-shift, shift, count),
            random.uniform(-shift, shift, count),
            random.uniform(-octaves, octaves, count),
            random.normal(0, np.where(turned, 0.2, 0.05)),
            np.where(random.random(count) < 0.5, -1.0, 1.0),
        )


def _view(patches: Bytes, head: float, pose: _Pose, mix: Mix) -> tuple[Tensor, Tensor]:
    """Samples ``(N, 3, S, S)`` and where each pixel of theirs lies in its patch, in [-1, 1]."""
    zoom = mix.head / head * 2**pose.octaves
    cos, sin = np.cos(pose.angle), np.sin(pose.angle)
    turn = np.stack(
        [np.stack([cos * pose.mirror, -sin], 1), np.stack([sin * pose.mirror, cos], 1)], 1
    )
    turn *= (mix.size / patches.shape[1] / zoom)[:, None, None]
    shift = -turn @ (np.stack([pose.x, pose.y], 1) / (mix.size / 2))[:, :, None]
    theta = torch.from_numpy(np.concatenate([turn, shift], 2).astype(np.float32))
    pixels = _tensor(patches)
    grid = functional.affine_grid(theta, [len(patches), 3, mix.size, mix.size], align_corners=False)
    views = functional.grid_sample(
        pixels, grid, mode="bilinear", padding_mode="border", align_corners=False
    )
    return views, grid


def _tensor(patches: Bytes) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(patches)).permute(0, 3, 1, 2).float().div_(255)


def _cut_outs(heads: Tensor, random: Random) -> Tensor:
    """Soft masks ``(N, 1, S, S)``: a head, a head and shirt, or all around.

    `heads` is ``(N, S, S, 2)``, x and y from the head's centre in units of its height.
    """
    count = len(heads)

    def between(low: float, high: float) -> Tensor:
        return torch.from_numpy(random.uniform(low, high, (count, 1, 1)).astype(np.float32))

    x, y = heads[..., 0], heads[..., 1]
    soft = between(12, 40)
    ellipse = torch.sqrt(
        (x / (0.42 * between(1.05, 1.5))) ** 2 + (y / (0.5 * between(1.05, 1.4))) ** 2
    )
    head = torch.sigmoid((1 - ellipse) * 0.45 * soft)
    body = (
        torch.sigmoid((between(0.45, 1.1) - (x - between(-0.25, 0.25)).abs()) * soft)
        * torch.sigmoid((between(0.6, 2.2) - y) * soft)
        * torch.sigmoid((y - 0.25) * soft)
    )
    half = between(0.7, 1.5)
    around = torch.sigmoid((half - x.abs()) * soft) * torch.sigmoid(
        (half * between(0.9, 1.3) - y.abs()) * soft
    )
    kind = between(0, 1)
    mask = torch.where(kind < 0.3, head, torch.where(kind < 0.8, torch.maximum(head, body), around))
    return mask[:, None]


def _hide_parts(images: Tensor, head: float, random: Random, share: float = 0.2) -> None:
    """Cover the shirt or one side of some with a piece of another sample, in place."""
    count, _, side, _ = images.shape
    source = images[random.permutation(count)].clone()
    middle = side // 2
    for n in np.flatnonzero(random.random(count) < share):
        w, h = (random.uniform(0.3, 1.6, 2) * head).astype(int)
        way = random.integers(3)
        if way == 0:
            left = middle - w // 2 + int(random.uniform(-0.5, 0.5) * head)
            top = middle + int(random.uniform(0.2, 1.0) * head)
        else:
            away = int(random.uniform(0.2, 0.7) * head)
            left = middle + away if way == 1 else middle - away - w
            top = middle - h // 2
        left, top = max(left, 0), max(top, 0)
        window = (n, slice(None), slice(top, top + h), slice(left, left + w))
        images[window] = source[window]


def _end_the_page(
    images: Tensor, x: Numbers, y: Numbers, head: float, random: Random, share: float = 0.06
) -> None:
    """Let the page end through or near some heads, its edge repeated beyond as by `detect`, in place."""
    side = images.shape[-1]
    for n in np.flatnonzero(random.random(len(images)) < share):
        across, after = random.random(2) < 0.5
        middle = side / 2 + (x if across else y)[n]
        away = random.uniform(0.0, 1.5) * head
        end = int(np.clip(middle + away if after else middle - away, 0, side - 1))
        lines = images[n] if across else images[n].transpose(1, 2)
        beyond = slice(end + 1, None) if after else slice(0, end)
        lines[:, :, beyond] = lines[:, :, end : end + 1].clone()


def _recoloured(
    images: Tensor, random: Random, strength: float = 1.0, gamma: float = 0.4
) -> Tensor:
    """Other ink and paper: one affine map of the colours per sample, for some a gamma curve."""
    count, _, h, w = images.shape
    gray = np.tile([0.3, 0.59, 0.11], (3, 1))[None]
    usual = random.random(count) < 0.75
    mild = np.exp(random.normal(0, 0.3 * strength, count))
    saturation = np.where(usual, mild, random.uniform(0.35, 1.9, count))
    matrix = gray + (np.eye(3)[None] - gray) * saturation[:, None, None]
    leak = np.eye(3)[None] + random.normal(0, 0.04 * strength, (count, 3, 3))
    matrix = leak / leak.sum(2, keepdims=True) @ matrix
    contrast = np.exp(random.normal(0, 0.17 * strength, (count, 1)))
    contrast = contrast * np.exp(random.normal(0, 0.07 * strength, (count, 3)))
    offset = 0.5 - 0.5 * contrast + random.normal(0, 0.06 * strength, (count, 1))
    offset = offset + random.normal(0, 0.025 * strength, (count, 3))
    matrix = matrix * contrast[:, :, None]
    images = torch.baddbmm(
        torch.from_numpy(offset[:, :, None].astype(np.float32)),
        torch.from_numpy(matrix.astype(np.float32)),
        images.reshape(count, 3, h * w),
    )
    images = images.reshape(count, 3, h, w).clamp_(0, 1)
    some = np.flatnonzero(random.random(count) < gamma)
    if len(some):
        power = np.exp(random.normal(0, 0.3 * strength, (len(some), 1, 1, 1)))
        exponent = torch.from_numpy(power.astype(np.float32))
        images[some] = torch.exp(torch.log(images[some].clamp_min_(2e-3)) * exponent)
    return images


def _blurred(images: Tensor, sigmas: Numbers) -> Tensor:
    """Gaussian blur, its own sigma for each sample."""
    count, channels, side, _ = images.shape
    reach = 4
    steps = torch.arange(-reach, reach + 1).float()
    sigma = torch.from_numpy(np.maximum(sigmas, 1e-2).astype(np.float32))
    kernel = torch.exp(-0.5 * (steps[None] / sigma[:, None]) ** 2)
    kernel = (kernel / kernel.sum(1, keepdim=True)).repeat_interleave(channels, 0)
    flat = images.reshape(1, count * channels, side, side)
    flat = functional.pad(flat, (reach, reach, reach, reach), mode="replicate")
    flat = functional.conv2d(flat, kernel[:, None, :, None], groups=count * channels)
    flat = functional.conv2d(flat, kernel[:, None, None, :], groups=count * channels)
    return flat.reshape(count, channels, side, side)


def _degraded(images: Tensor, head: float, random: Random) -> Tensor:
    """What scanners, printers and web sites do: blur, sharpening, fewer pixels, raster, noise, JPEG."""
    count, _, side, _ = images.shape
    fine = head / 24
    kind = random.random(count)
    some = np.flatnonzero(kind < 0.45)
    if len(some):
        images[some] = _blurred(images[some], random.uniform(0.3, 1.7, len(some)) * fine)
    some = np.flatnonzero((kind > 0.45) & (kind < 0.65))
    if len(some):
        soft = _blurred(images[some], random.uniform(0.5, 1.5, len(some)) * fine)
        amount = _column(random.uniform(0.2, 1.2, len(some)))
        images[some] = (images[some] + amount * (images[some] - soft)).clamp_(0, 1)
    for start in range(0, count, 16):
        if random.random() < 0.3:
            few = images[start : start + 16]
            small = int(side * random.uniform(0.42, 0.9))
            few = functional.interpolate(
                few, (small, small), mode="bilinear", antialias=True, align_corners=False
            )
            way = ("bilinear", "bicubic")[random.integers(2)]
            few = functional.interpolate(few, (side, side), mode=way, align_corners=False)
            images[start : start + 16] = few.clamp_(0, 1)
    some = np.flatnonzero(random.random(count) < 0.15)
    if len(some):
        images[some] += _raster(len(some), side, random)
    for n in np.flatnonzero(random.random(count) < 0.35):
        noise = random.standard_normal((3, side, side), dtype=np.float32)
        images[n] += torch.from_numpy(noise * np.float32(random.uniform(0.005, 0.06)))
    images = images.clamp_(0, 1)
    for n in np.flatnonzero(random.random(count) < 0.15):
        pixels = (images[n].permute(1, 2, 0) * 255).round().byte().numpy()
        stored = io.BytesIO()
        Image.fromarray(pixels).save(stored, "JPEG", quality=int(random.integers(25, 80)))
        images[n] = _tensor(np.array(Image.open(stored))[None])[0]
    return images


def _raster(count: int, side: int, random: Random) -> Tensor:
    """Print dots ``(N, 1, S, S)``: two crossed waves of random pitch, angle and depth."""
    rows, cols = torch.meshgrid(
        torch.arange(side).float(), torch.arange(side).float(), indexing="ij"
    )
    angle, pitch = random.uniform(0, np.pi, count), random.uniform(0.8, 3.0, count)
    a, b = _column(np.cos(angle) * pitch), _column(np.sin(angle) * pitch)
    phase = _column(random.uniform(0, 2 * np.pi, count))
    waves = torch.cos(a * cols + b * rows + phase) * torch.cos(a * rows - b * cols)
    return waves * _column(random.uniform(0.02, 0.12, count))


def _column(values: Numbers) -> Tensor:
    return torch.from_numpy(values.astype(np.float32)).reshape(-1, 1, 1, 1)
