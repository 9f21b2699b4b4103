"""Data augmentation: batches of samples that are rotated, pasted, covered, recoloured and degraded.

Waldo is on about fifty drawings only. Cutting him out, with or without his shirt, and pasting him onto other
pages makes thousands of different samples. A network could learn to recognise the traces of pasting
instead of Waldo; therefore other characters, look-alikes and empty places are pasted as well.

`make_batch` is the whole way of a batch. First samples are taken from patches, rotated, scaled and shifted
(`_view`), and some are cut out and pasted (`_cut_outs`). Then all samples are changed: parts are covered
(`_hide_parts`), pages end (`_end_the_page`), colours change (`_recoloured`), and the quality gets worse
(`_degraded`).

Samples are tensors ``(N, 3, S, S)`` with values in [0, 1]; N samples of S pixels each way. Random numbers are
drawn in a fixed order, so that a seed always gives the same batches.
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

from waldo_cli.arrays import Bytes, Doubles
from waldo_cli.training.data import NOBODY, PATCH, Patches

Random = np.random.Generator


@dataclass(frozen=True)
class Mix:
    """What a batch is made of.

    Attributes
    ----------
    size
        Side of a sample, in pixels.
    head
        Usual height of a head in a sample, in pixels.
    shift
        Largest distance of a character's centre from the sample's centre, in pixels, along rows and
        along columns.
    octaves
        Largest difference of the head's height from `head`, in octaves.
    real, pasted, strangers, empty
        Samples per batch, by kind: characters on their own page; characters pasted onto another place;
        empty places pasted onto another place; empty places as they are.
    shares
        How often each class is drawn among the objects; the last share is that of look-alikes.
    shape
        Usual width of an object divided by its height.
    figures
        Objects are heads, and cut out with what is below them.
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
    shape: float
    figures: bool


@dataclass
class Batch:
    """Samples, and what is on them.

    Attributes
    ----------
    images
        ``(N, 3, S, S)`` in [0, 1], channels last in memory; the samples of empty places come last.
    labels
        ``(N,)`` numbers of classes, or `NOBODY`.
    x, y
        ``(N,)`` the character's centre, in pixels from the sample's centre.
    head
        ``(N,)`` the height of the character's head, in pixels.
    boxes
        ``(N, 2)`` width and height of the character's box, in pixels; 0 where there is none.
    places
        For the samples of empty places: index of the patch that each was made from.
    """

    images: Tensor
    labels: NDArray[np.intp]
    x: Doubles
    y: Doubles
    head: Doubles
    boxes: Doubles
    places: NDArray[np.intp]


def make_batch(mix: Mix, characters: Patches, places: Patches, random: Random) -> Batch:
    """A new batch: characters on their pages, pasted characters and strangers, empty places, in this order.

    `places` are patches without characters. Both kinds of patches show heads of the same height.
    """
    # Characters on their own page.
    real = _draw_characters(characters, mix.real, mix.shares, random)
    real_pose = _Pose.random(mix.real, mix.shift, mix.octaves, random)
    images = [_view(characters.pixels[real], characters.head, real_pose, mix)[0]]

    # Pasted ones: a background, a foreground in another pose, and a mask that blends them.
    count = mix.pasted + mix.strangers
    background_places = random.integers(0, len(places.labels), count)
    background_pose = _Pose.random(count, 0.5 * mix.head, 0.5, random)
    background, _ = _view(places.pixels[background_places], places.head, background_pose, mix)
    pasted = _draw_characters(characters, mix.pasted, mix.shares, random)
    strangers = places.draw(mix.strangers, random)
    pasted_pose = _Pose.random(count, mix.shift, mix.octaves, random)
    foreground, grid = _view(
        np.concatenate([characters.pixels[pasted], places.pixels[strangers]]),
        characters.head,
        pasted_pose,
        mix,
    )
    foreground = _recoloured(foreground, random, strength=0.5, gamma=0.0)
    if random.random() < 0.2:
        foreground = _blurred(foreground, random.uniform(0.2, 0.9, count) * mix.head / 24)
    # The grid is in half patches from the patch's centre; `_cut_outs` takes heads.
    mask = _cut_outs(grid * (PATCH / 2 / characters.head), mix, random)
    images.append(background + (foreground - background) * mask)

    # Empty places.
    empty = places.draw(mix.empty, random)
    empty_pose = _Pose.random(mix.empty, 0.3 * mix.head, mix.octaves, random)
    images.append(_view(places.pixels[empty], places.head, empty_pose, mix)[0])

    samples = torch.cat(images)
    poses = (real_pose, pasted_pose, empty_pose)
    x, y = np.concatenate([p.x for p in poses]), np.concatenate([p.y for p in poses])
    _hide_parts(samples, mix.head, random)
    _end_the_page(samples, x, y, mix.head, random)
    samples = _recoloured(samples, random)
    samples = _degraded(samples, mix.head, random)
    nobody = np.full(mix.strangers, NOBODY)
    head = mix.head * 2 ** np.concatenate([p.octaves for p in poses])
    boxes = np.concatenate(
        [
            characters.boxes[real],
            characters.boxes[pasted],
            places.boxes[strangers],
            places.boxes[empty],
        ]
    )
    return Batch(
        samples.contiguous(memory_format=torch.channels_last),
        np.concatenate(
            [characters.labels[real], characters.labels[pasted], nobody, places.labels[empty]]
        ),
        x,
        y,
        head,
        boxes * head[:, None],
        empty,
    )


def _draw_characters(
    characters: Patches, count: int, shares: Sequence[float], random: Random
) -> NDArray[np.intp]:
    """Indices of `count` patches of characters, each label as often as its share says.

    Labels that no patch has are replaced by what is sought.
    """
    labels = random.choice(len(shares), count, p=np.asarray(shares) / sum(shares))
    labels[labels == len(shares) - 1] = NOBODY
    available = set(characters.labels.tolist())
    labels = np.where(np.isin(labels, list(available)), labels, 0)
    out = np.empty(count, np.intp)
    for label in np.unique(labels):
        chosen = labels == label
        out[chosen] = characters.draw(int(chosen.sum()), random, int(label))
    return out


@dataclass
class _Pose:
    """How the patch of each sample is placed in the sample; all ``(N,)``."""

    x: Doubles  # shift, in pixels
    y: Doubles
    octaves: Doubles  # change of scale
    angle: Doubles  # in radians
    mirror: Doubles  # -1 mirrored, 1 not

    @classmethod
    def random(cls, count: int, shift: float, octaves: float, random: Random) -> _Pose:
        """Random poses: half of them mirrored, 30 % clearly rotated, the others by some degrees only."""
        rotated = random.random(count) < 0.3
        return cls(
            random.uniform(-shift, shift, count),
            random.uniform(-shift, shift, count),
            random.uniform(-octaves, octaves, count),
            random.normal(0, np.where(rotated, 0.2, 0.05)),
            np.where(random.random(count) < 0.5, -1.0, 1.0),
        )


def _view(patches: Bytes, head: float, pose: _Pose, mix: Mix) -> tuple[Tensor, Tensor]:
    """Samples ``(N, 3, S, S)`` of patches in these poses, and the grid that they were sampled with.

    The grid ``(N, S, S, 2)`` holds x and y in the patch for each pixel of a sample. As in PyTorch, the patch
    reaches from -1 to 1.
    """
    if not len(patches):  # the mix has no samples of this kind, and PyTorch refuses an empty grid
        return torch.empty(0, 3, mix.size, mix.size), torch.empty(0, mix.size, mix.size, 2)
    # The affine map from positions in a sample to positions in its patch, both in [-1, 1]: rotation and
    # mirroring; the ratio of the sides, and the inverse of the zoom; and a shift which brings the patch's
    # centre to (x, y) of the pose.
    zoom = mix.head / head * 2**pose.octaves
    cos, sin = np.cos(pose.angle), np.sin(pose.angle)
    linear = np.stack(
        [np.stack([cos * pose.mirror, -sin], 1), np.stack([sin * pose.mirror, cos], 1)], 1
    )
    linear *= (mix.size / patches.shape[1] / zoom)[:, None, None]
    shift = -linear @ (np.stack([pose.x, pose.y], 1) / (mix.size / 2))[:, :, None]
    theta = torch.from_numpy(np.concatenate([linear, shift], 2).astype(np.float32))  # (N, 2, 3)
    pixels = _tensor(patches)
    grid = functional.affine_grid(theta, [len(patches), 3, mix.size, mix.size], align_corners=False)
    views = functional.grid_sample(
        pixels, grid, mode="bilinear", padding_mode="border", align_corners=False
    )
    return views, grid


def _tensor(patches: Bytes) -> Tensor:
    """Patches ``(N, S, S, 3)`` uint8 as a tensor ``(N, 3, S, S)`` in [0, 1]."""
    return torch.from_numpy(np.ascontiguousarray(patches)).permute(0, 3, 1, 2).float().div_(255)


def _cut_outs(positions: Tensor, mix: Mix, random: Random) -> Tensor:
    """Masks ``(N, 1, S, S)`` with soft edges: 30 % an ellipse, 50 % the whole, 20 % a large rectangle.

    The whole is the box of an object, or a head with the shirt below it. `positions` is ``(N, S, S, 2)``, x
    and y of each pixel from the centre of the head, in head heights. All shapes have random sizes, so that
    the edge tells nothing.
    """
    count = len(positions)

    def between(low: float, high: float) -> Tensor:
        """One random number for each sample, (N, 1, 1)."""
        return torch.from_numpy(random.uniform(low, high, (count, 1, 1)).astype(np.float32))

    # sigmoid(distance * steepness) is a soft step: 0.5 on the edge of a shape, near 1 inside, near 0 outside.
    x, y = positions[..., 0], positions[..., 1]
    steepness = between(12, 40)
    # The ellipse is a little larger than the object; the value on its edge is 1.
    ellipse = torch.sqrt(
        (x / (0.525 * mix.shape * between(1.05, 1.5))) ** 2 + (y / (0.5 * between(1.05, 1.4))) ** 2
    )
    head = torch.sigmoid((1 - ellipse) * 0.45 * steepness)
    if mix.figures:
        # The body is a rectangle below the head: its sides, its lower end, its upper end.
        body = (
            torch.sigmoid((between(0.45, 1.1) - (x - between(-0.25, 0.25)).abs()) * steepness)
            * torch.sigmoid((between(0.6, 2.2) - y) * steepness)
            * torch.sigmoid((y - 0.25) * steepness)
        )
        whole = torch.maximum(head, body)
    else:
        whole = torch.sigmoid(
            (0.5 * mix.shape * between(1.0, 1.4) - x.abs()) * steepness
        ) * torch.sigmoid((0.5 * between(1.0, 1.4) - y.abs()) * steepness)
    half_height = between(0.9, 1.9)
    rectangle = torch.sigmoid(
        (half_height * mix.shape * between(0.8, 1.1) - x.abs()) * steepness
    ) * torch.sigmoid((half_height - y.abs()) * steepness)
    kind = between(0, 1)
    mask = torch.where(kind < 0.3, head, torch.where(kind < 0.8, whole, rectangle))
    return mask[:, None]


def _hide_parts(images: Tensor, head: float, random: Random, share: float = 0.2) -> None:
    """Cover a part of some samples (`share` of them) with a piece of another sample, in place.

    The piece lies below the sample's centre, right of it, or left of it: a head in the centre stays at least
    half visible.
    """
    count, _, side, _ = images.shape
    source = images[random.permutation(count)].clone()
    middle = side // 2
    for n in np.flatnonzero(random.random(count) < share):
        w, h = (random.uniform(0.3, 1.6, 2) * head).astype(int)
        direction = random.integers(3)  # 0 below, 1 right, 2 left
        if direction == 0:
            left = middle - w // 2 + int(random.uniform(-0.5, 0.5) * head)
            top = middle + int(random.uniform(0.2, 1.0) * head)
        else:
            distance = int(random.uniform(0.2, 0.7) * head)
            left = middle + distance if direction == 1 else middle - distance - w
            top = middle - h // 2
        left, top = max(left, 0), max(top, 0)
        window = (n, slice(None), slice(top, top + h), slice(left, left + w))
        images[window] = source[window]


def _end_the_page(
    images: Tensor, x: Doubles, y: Doubles, head: float, random: Random, share: float = 0.06
) -> None:
    """Make some samples (`share` of them) look as if the page ended through or near the head, in place.

    Beyond the page's end its last line repeats, as in `detect`. `x` and `y` are the centres of the heads, in
    pixels from the sample's centre.
    """
    side = images.shape[-1]
    for n in np.flatnonzero(random.random(len(images)) < share):
        # The end is right or left of the head, or else below or above it.
        horizontal, after_head = random.random(2) < 0.5
        middle = side / 2 + (x if horizontal else y)[n]
        distance = random.uniform(0.0, 1.5) * head
        end = int(np.clip(middle + distance if after_head else middle - distance, 0, side - 1))
        # The last axis of `lines` is the one along which the page ends; it is a view of the image.
        lines = images[n] if horizontal else images[n].transpose(1, 2)
        beyond = slice(end + 1, None) if after_head else slice(0, end)
        lines[:, :, beyond] = lines[:, :, end : end + 1].clone()


def _recoloured(
    images: Tensor, random: Random, strength: float = 1.0, gamma: float = 0.4
) -> Tensor:
    """Colours as of other ink, paper and scanners: a random affine map of the colours for each sample.

    Matrix and offset change saturation, mix the channels a little, and change contrast and brightness. A
    share `gamma` of the samples gets a gamma curve, too. `strength` scales the changes.
    """
    count, _, h, w = images.shape
    # Saturation: between the grey value (ITU-R BT.601), the same in all channels, and the colour itself.
    gray = np.tile([0.3, 0.59, 0.11], (3, 1))[None]
    usual = random.random(count) < 0.75
    mild = np.exp(random.normal(0, 0.3 * strength, count))
    saturation = np.where(usual, mild, random.uniform(0.35, 1.9, count))
    matrix = gray + (np.eye(3)[None] - gray) * saturation[:, None, None]
    # Each channel gets a little of the others; rows that sum to 1 leave grey as it is.
    mixing = np.eye(3)[None] + random.normal(0, 0.04 * strength, (count, 3, 3))
    matrix = mixing / mixing.sum(2, keepdims=True) @ matrix
    # Contrast around the middle grey 0.5, and brightness: each for the sample and a little for each channel.
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
    chosen = np.flatnonzero(random.random(count) < gamma)
    if len(chosen):
        power = np.exp(random.normal(0, 0.3 * strength, (len(chosen), 1, 1, 1)))
        exponent = torch.from_numpy(power.astype(np.float32))
        images[chosen] = torch.exp(torch.log(images[chosen].clamp_min_(2e-3)) * exponent)
    return images


def _blurred(images: Tensor, sigmas: Doubles) -> Tensor:
    """Gaussian blur with another sigma, in pixels, for each sample."""
    count, channels, side, _ = images.shape
    radius = 4  # sigmas are below 2 pixels
    steps = torch.arange(-radius, radius + 1).float()
    sigma = torch.from_numpy(np.maximum(sigmas, 1e-2).astype(np.float32))
    kernel = torch.exp(-0.5 * (steps[None] / sigma[:, None]) ** 2)
    kernel = (kernel / kernel.sum(1, keepdim=True)).repeat_interleave(channels, 0)
    # All channels of all samples become groups of one image, so that each can have a kernel of its own. A
    # Gaussian is separable: first along rows, then along columns.
    flat = images.reshape(1, count * channels, side, side)
    flat = functional.pad(flat, (radius, radius, radius, radius), mode="replicate")
    flat = functional.conv2d(flat, kernel[:, None, :, None], groups=count * channels)
    flat = functional.conv2d(flat, kernel[:, None, None, :], groups=count * channels)
    return flat.reshape(count, channels, side, side)


def _degraded(images: Tensor, head: float, random: Random) -> Tensor:
    """Samples with what scanners, printers and web sites do to pages.

    In this order, each for a random part of the samples: blur or sharpening, lower resolution, a raster of
    print dots, noise, JPEG.
    """
    count, _, side, _ = images.shape
    fine = head / 24  # sigmas are for heads of 24 pixels
    # 45 % of the samples are blurred, 20 % are sharpened by an unsharp mask.
    kind = random.random(count)
    chosen = np.flatnonzero(kind < 0.45)
    if len(chosen):
        images[chosen] = _blurred(images[chosen], random.uniform(0.3, 1.7, len(chosen)) * fine)
    chosen = np.flatnonzero((kind > 0.45) & (kind < 0.65))
    if len(chosen):
        soft = _blurred(images[chosen], random.uniform(0.5, 1.5, len(chosen)) * fine)
        amount = _per_sample(random.uniform(0.2, 1.2, len(chosen)))
        images[chosen] = (images[chosen] + amount * (images[chosen] - soft)).clamp_(0, 1)
    # Fewer pixels and back to the old size, 16 samples at a time: one call needs one size.
    for start in range(0, count, 16):
        if random.random() < 0.3:
            group = images[start : start + 16]
            small_side = int(side * random.uniform(0.42, 0.9))
            group = functional.interpolate(
                group,
                (small_side, small_side),
                mode="bilinear",
                antialias=True,
                align_corners=False,
            )
            mode = ("bilinear", "bicubic")[random.integers(2)]
            group = functional.interpolate(group, (side, side), mode=mode, align_corners=False)
            images[start : start + 16] = group.clamp_(0, 1)
    chosen = np.flatnonzero(random.random(count) < 0.15)
    if len(chosen):
        images[chosen] += _raster(len(chosen), side, random)
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
    # Radians per pixel: a wave every 2 to 8 pixels. (a, b) and (-b, a) are directions at right angles.
    angle, pitch = random.uniform(0, np.pi, count), random.uniform(0.8, 3.0, count)
    a, b = _per_sample(np.cos(angle) * pitch), _per_sample(np.sin(angle) * pitch)
    phase = _per_sample(random.uniform(0, 2 * np.pi, count))
    waves = torch.cos(a * cols + b * rows + phase) * torch.cos(a * rows - b * cols)
    return waves * _per_sample(random.uniform(0.02, 0.12, count))


def _per_sample(values: Doubles) -> Tensor:
    """One number for each sample, ``(N, 1, 1, 1)``, ready to be multiplied with samples."""
    return torch.from_numpy(values.astype(np.float32)).reshape(-1, 1, 1, 1)
