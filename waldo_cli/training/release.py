"""Write trained networks as a stack file, which computes the same numbers with numpy.

`folded` turns a network into plain convolutions; `write_stack` writes their kernels into the ``.npz`` and
one ``[[layer]]`` table for each layer into the TOML.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from waldo_cli.files import make_folder, write_atomically
from waldo_cli.training.calibrate import Calibration
from waldo_cli.training.claim import TOML_MARK
from waldo_cli.training.network import Classes, NetworkView, bias_of


def folded(net: nn.Sequential) -> nn.Sequential:
    """A network for inference that computes the same: each normalisation becomes part of its convolution.

    Batch normalisation computes ``(h - mean) / sqrt(variance + eps) * weight + bias`` for each channel. This
    is linear, so the convolution before it can do it with another kernel and bias. Dropout does nothing at
    inference and is left out. Weights are rounded to half precision, in which the stack file stores them.
    """
    out: list[nn.Module] = []
    for layer in net:
        if isinstance(layer, nn.Conv2d):
            conv = nn.Conv2d(
                layer.in_channels,
                layer.out_channels,
                (layer.kernel_size[0], layer.kernel_size[1]),
                (layer.stride[0], layer.stride[1]),
                dilation=(layer.dilation[0], layer.dilation[1]),
            )
            conv.weight.data.copy_(layer.weight.data)
            bias_of(conv).data.copy_(layer.bias.data if layer.bias is not None else torch.zeros(1))
            out.append(conv)
        elif isinstance(layer, nn.BatchNorm2d):  # `conv` is the layer before it
            mean, variance = layer.running_mean, layer.running_var
            if mean is None or variance is None:
                raise TypeError("a normalisation without running statistics")
            gain = layer.weight.data / torch.sqrt(variance + layer.eps)
            conv.weight.data.mul_(gain[:, None, None, None])
            bias_of(conv).data.sub_(mean).mul_(gain).add_(layer.bias.data)
        elif isinstance(layer, nn.ReLU):
            out.append(nn.ReLU())
    net = nn.Sequential(*out).eval().requires_grad_(False)
    for weights in net.parameters():
        weights.data = weights.data.half().float()
    return net


# For pages of people: they are of one size, and a page may lie any way up, under any lamp. The numbers are
# log odds before calibration, fitted to held-out pages (docs/accuracy.md).
_OF_FIGURES = ["size_prior = 1", "evidence_weight = 0.4", "even_light = true", "turn = true"]


@dataclass(frozen=True)
class Release:
    """What a stack file contains beside its layers.

    Attributes
    ----------
    name, description
        Texts for the user; the name is also the name of the files.
    calibration
        What makes probabilities of scores, and the smallest probability of a find.
    candidates
        For each closer look, how many candidates it examines.
    zooms
        For each closer look, the scales of its cuts, beside the size of the object.
    boxed
        How many candidates the closer looks examine again, in the boxes of the box look.
    """

    name: str = "waldo"
    description: str = ""
    calibration: Calibration = field(default_factory=Calibration)
    candidates: tuple[int, ...] = (48, 24)
    zooms: tuple[tuple[float, ...], ...] = ((1.0,), (1.0, 0.84))
    boxed: int = 4


def write_stack(
    directory: Path,
    release: Release,
    classes: Classes,
    proposals: nn.Sequential,
    closer: Sequence[nn.Sequential],
    box: nn.Sequential,
) -> Path:
    """Write ``NAME.toml`` and ``NAME.npz``.

    The networks must come from `folded`: they have no normalisation, and their weights fit into half
    precision without loss.

    Returns
    -------
    path
        The path of the stack file.

    Raises
    ------
    FileError
        A file cannot be written. Each is written completely or not at all, the weights first.
    """
    arrays: dict[str, NDArray[np.float16]] = {}
    low, high, per_octave = classes.scales
    lines = [
        TOML_MARK.decode(),
        "format = 1",
        f"name = {_quoted(release.name)}",
        f"description = {_quoted(release.description)}",
        _object(classes.proposal_view),
        f"labels = [{', '.join(map(_quoted, classes.labels))}]",
        f"threshold = {release.calibration.threshold:g}",
        f"scales = {{ min = {low:g}, max = {high:g}, per_octave = {per_octave} }}",
        *([f"level_pixels = {classes.level_pixels:_}"] if classes.level_pixels else []),
        *(_OF_FIGURES if classes.figures else []),
        f"calibration = {{ slope = {release.calibration.slope:.8g},"
        f" offset = {release.calibration.offset:.8g} }}",
        'boundary = "edge"',
        f"weights = {_quoted(release.name + '.npz')}",
        *_layers("layer", "first", proposals, arrays),
        *_layer("layer", "sigmoid"),
    ]
    closer_looks = zip(
        classes.closer_views.items(),
        release.candidates,
        release.zooms,
        closer,
        strict=True,
    )
    for (name, view), candidates, zooms, net in closer_looks:
        lines += [
            "",
            "[[closer_look]]",
            _object(view),
            f"candidates = {candidates}",
            f"scales = {list(zooms)}",
            *_layers("closer_look.layer", name, net, arrays),
            *_layer("closer_look.layer", "softmax"),
        ]
    lines += [
        "",
        "[box_look]",
        _object(classes.box_view),
        f"candidates = {release.boxed}",
        *_layers("box_look.layer", "box", box, arrays),
    ]
    make_folder(str(directory))
    path = directory / f"{release.name}.toml"
    with write_atomically(path.with_suffix(".npz")) as file:
        # Not `allow_pickle=False`: numpy before 2.2 takes it for one more array.
        np.savez(file, **arrays)  # type: ignore[arg-type]
    with write_atomically(path) as file:
        file.write(("\n".join(lines) + "\n").encode())
    return path


def _layers(
    table: str, prefix: str, net: nn.Sequential, arrays: dict[str, NDArray[np.float16]]
) -> list[str]:
    """The TOML lines of a network's layers; its kernels and biases are added to `arrays`.

    Arrays are named ``PREFIX1.kernel``, ``PREFIX1.bias``, ``PREFIX2.kernel`` and so on.
    """
    lines: list[str] = []
    for layer in net:
        if isinstance(layer, nn.ReLU):
            lines += _layer(table, "relu")
            continue
        if not isinstance(layer, nn.Conv2d):
            raise TypeError(f"{layer} has no place in a stack file")
        name = f"{prefix}{sum(line.startswith('kernel') for line in lines) + 1}"
        # PyTorch has (K, C, A, B), a stack (A, B, C, K).
        kernel = layer.weight.detach().permute(2, 3, 1, 0).contiguous()
        arrays[f"{name}.kernel"] = kernel.numpy().astype(np.float16)
        arrays[f"{name}.bias"] = bias_of(layer).detach().numpy().astype(np.float16)
        keys: dict[str, Any] = {
            "kernel": f'"weights:{name}.kernel"',
            "bias": f'"weights:{name}.bias"',
        }
        if layer.stride[0] != 1:
            keys["stride"] = layer.stride[0]
        if layer.dilation[0] != 1:
            keys["dilation"] = layer.dilation[0]
        lines += _layer(table, "conv", **keys)
    return lines


def _layer(table: str, op: str, **keys: Any) -> list[str]:
    """The TOML lines of one layer; values must be TOML already."""
    return ["", f"[[{table}]]", f'op = "{op}"', *(f"{k} = {v}" for k, v in keys.items())]


def _object(view: NetworkView) -> str:
    return f"object = [{view.size.cols}, {view.size.rows}]"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)  # a string of JSON is one of TOML, too
