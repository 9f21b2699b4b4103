"""The networks in PyTorch: sequences of convolution, batch normalisation and ReLU, all without padding.

There are two kinds. The proposal network runs over the whole page at all scales and says where heads may be.
A classifier network gets one cut around each of the best places and says whose head it is; every closer
look is such a network.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from waldo_cli.geometry import Size

# The classes. The proposal network has one output channel for each character, a classifier one more for
# everything else.
CHARACTERS = ("waldo", "wenda", "odlaw", "wizard")
LABELS = (*CHARACTERS, "nobody")


@dataclass(frozen=True)
class NetworkView:
    """At which size a network sees a head.

    Attributes
    ----------
    head
        Height of a head in the network's input, in pixels.
    size
        Size of the object in the stack file, in pixels.
    """

    head: float
    size: Size


# All sizes have the same shape, 3 wide to 4 tall, in whole pixels: from one to another, the zoom factor is
# the same for rows and columns.
PROPOSAL_VIEW = NetworkView(16.0, Size(rows=16, cols=12))
# The closer looks, in their order: the first sees more of what is around a head, the second more details of
# the face. Both seldom make the same false alarm.
CLOSER_VIEWS = {
    "near": NetworkView(24.0, Size(rows=24, cols=18)),
    "sharp": NetworkView(28.0, Size(rows=28, cols=21)),
}


def proposal_network() -> nn.Sequential:
    """The proposal network: one output per character every 4 px, with a receptive field of 63 px.

    A head is 16 px tall, so the field is four heads wide.

    Strides come first and dilations last, because the cost of a layer falls with the square of the
    strides before it: together 2,130 multiply-adds per pixel of the pyramid.
    """
    output = nn.Conv2d(32, len(CHARACTERS), 1)
    # At almost every place there is no head: start with a probability of 0.05, sigmoid(-3).
    nn.init.constant_(bias_of(output), -3.0)
    return nn.Sequential(
        *_block(3, 16, 3, stride=2),
        *_block(16, 32, 3, stride=2),
        *_block(32, 32, 3),
        *_block(32, 32, 3, dilation=2),
        *_block(32, 32, 3, dilation=4),
        output,
    )


def classifier_network() -> nn.Sequential:
    """The network of a closer look: one output per label for a cut of 77 x 77 px.

    One cut costs 51 million multiply-adds.
    """
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
    in_channels: int, out_channels: int, size: int, *, stride: int = 1, dilation: int = 1
) -> tuple[nn.Module, ...]:
    # No bias: the normalisation would subtract it again, and has a bias of its own.
    conv = nn.Conv2d(in_channels, out_channels, size, stride, dilation=dilation, bias=False)
    return conv, nn.BatchNorm2d(out_channels), nn.ReLU(inplace=True)


def field_and_jump(net: nn.Sequential) -> tuple[int, int]:
    """Side of the receptive field of one output, and distance between outputs, in pixels."""
    size, jump = 1, 1
    for layer in net:
        if isinstance(layer, nn.Conv2d):
            size += layer.dilation[0] * (layer.kernel_size[0] - 1) * jump
            jump *= layer.stride[0]
    return size, jump


def bias_of(conv: nn.Conv2d) -> torch.Tensor:
    """The bias of a convolution that has one. PyTorch's type of ``conv.bias`` includes None."""
    if conv.bias is None:
        raise TypeError("a convolution without bias")
    return conv.bias
