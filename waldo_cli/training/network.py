"""The networks in PyTorch: plain sequences of convolution, batch normalisation and ReLU without padding."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from waldo_cli.geometry import Size

# What the networks tell apart. The proposal network has one channel for each character, the
# classifier one more for everything else.
CHARACTERS = ("waldo", "wenda", "odlaw", "wizard")
LABELS = (*CHARACTERS, "nobody")


@dataclass(frozen=True)
class View:
    """How a network sees a head.

    Attributes
    ----------
    head
        Height of a head in the network's input, pixels.
    size
        Of the object in the stack file, pixels.
    """

    head: float
    size: Size


# Heads are three quarters as wide as tall, so both sizes are whole numbers and one zoom fits both.
PROPOSAL_VIEW = View(16.0, Size(rows=16, cols=12))
# The closer looks, in turn: the first sees more around a head, the second more of its face. What one
# takes for him by chance the other seldom does.
CLOSER_VIEWS = {
    "near": View(24.0, Size(rows=24, cols=18)),
    "sharp": View(28.0, Size(rows=28, cols=21)),
}


def proposal_network() -> nn.Sequential:
    """The first look: one answer per character every 4 px, each seeing 63 px, four heads.

    Strides come first and dilations last, because the cost of a layer falls with the square of the
    strides before it: 2,130 multiply-adds per pixel of the pyramid in all.
    """
    answer = nn.Conv2d(32, len(CHARACTERS), 1)
    nn.init.constant_(bias_of(answer), -3.0)  # almost every place is nobody's head
    return nn.Sequential(
        *_block(3, 16, 3, stride=2),
        *_block(16, 32, 3, stride=2),
        *_block(32, 32, 3),
        *_block(32, 32, 3, dilation=2),
        *_block(32, 32, 3, dilation=4),
        answer,
    )


def classifier_network() -> nn.Sequential:
    """A closer look: one answer per label for a cut of 77 x 77 px, 51 million multiply-adds."""
    return nn.Sequential(
        *_block(3, 32, 5, stride=2),
        *_block(32, 32, 3),
        *_block(32, 64, 3, stride=2),
        *_block(64, 64, 3),
        *_block(64, 96, 3),
        *_block(96, 96, 3),
        *_block(96, 96, 3, stride=2),
        *_block(96, 64, 5),
        nn.Dropout(0.2),
        nn.Conv2d(64, len(LABELS), 1),
    )


def _block(
    entering: int, leaving: int, size: int, *, stride: int = 1, dilation: int = 1
) -> tuple[nn.Module, ...]:
    conv = nn.Conv2d(entering, leaving, size, stride, dilation=dilation, bias=False)
    return conv, nn.BatchNorm2d(leaving), nn.ReLU(inplace=True)


def field_and_jump(net: nn.Sequential) -> tuple[int, int]:
    """Side of the square that one answer sees, and the distance between answers, in pixels."""
    size, jump = 1, 1
    for layer in net:
        if isinstance(layer, nn.Conv2d):
            size += layer.dilation[0] * (layer.kernel_size[0] - 1) * jump
            jump *= layer.stride[0]
    return size, jump


def bias_of(conv: nn.Conv2d) -> torch.Tensor:
    if conv.bias is None:
        raise TypeError("a convolution without bias")
    return conv.bias
