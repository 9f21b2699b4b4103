"""The networks in PyTorch: sequences of convolution, batch normalisation and ReLU, all without padding.

There are three kinds. The proposal network runs over the whole page at all scales and says where objects
may be. A classifier network gets one cut around each of the best places and says what is there; every closer
look is such a network. The box network gets a cut around each find and says where its box lies. `Classes`
says which objects: their names, their shape, their sizes.
"""

from __future__ import annotations

import copy
import itertools
import math
from dataclasses import dataclass

import torch
from torch import nn

from waldo_cli.geometry import Size

# The area of an object in the input of the proposal network, in pixels.
OBJECT_AREA = 192

# How much larger objects are in the closer looks, in their order: the first sees more of what is around an
# object, the second more details of it. Both seldom make the same false alarm.
CLOSER_ZOOMS = {"near": 1.5, "sharp": 1.75}


@dataclass(frozen=True)
class NetworkView:
    """At which size a network sees an object.

    Attributes
    ----------
    head
        Height of an object of the usual shape in the network's input, in pixels.
    size
        Size of the object in the stack file, in pixels.
    """

    head: float
    size: Size


@dataclass(frozen=True)
class Classes:
    """What a training tells apart.

    Attributes
    ----------
    names
        The classes; the first one is what is sought. The proposal network has one output channel for each,
        a classifier one more for everything else.
    shape
        Usual width of an object's box divided by its height.
    figures
        The boxes hold heads, and below a head is the body that belongs to it.
    scales
        ``(smallest, largest, per octave)`` of the pyramid: how large objects may be, beside that of the
        proposal network.
    """

    names: tuple[str, ...]
    shape: float = 0.8
    figures: bool = False
    scales: tuple[float, float, int] = (0.7071, 5.6569, 2)

    @property
    def level_pixels(self) -> int | None:
        """Larger levels of the pyramid are left out; a scan of a crowded page shows no more in them."""
        return 4_000_000 if self.figures else None

    @property
    def labels(self) -> tuple[str, ...]:
        """The names, and that of everything else, which is none of them."""
        other = "nobody" if self.figures else "nothing"
        while other in self.names:
            other += "-else"
        return (*self.names, other)

    @property
    def proposal_view(self) -> NetworkView:
        """The view of the proposal network: a box of about `OBJECT_AREA` pixels of the usual shape.

        Its columns are a multiple of 4, so that they are whole pixels in the closer looks, too.
        """

        def error(size: Size) -> float:
            shape, area = size.cols / size.rows / self.shape, size.rows * size.cols / OBJECT_AREA
            return math.log(shape) ** 2 + 0.1 * math.log(area) ** 2

        sizes = itertools.product(range(40, 3, -1), range(40, 3, -4))
        size = min((Size(rows, cols) for rows, cols in sizes), key=error)
        return NetworkView(float(size.rows), size)

    @property
    def box_view(self) -> NetworkView:
        """The view of the box look: that of the last closer look."""
        return list(self.closer_views.values())[-1]

    @property
    def closer_views(self) -> dict[str, NetworkView]:
        """The views of the closer looks, in their order."""
        first = self.proposal_view
        return {
            name: NetworkView(
                first.head * zoom,
                Size(round(first.size.rows * zoom), round(first.size.cols * zoom)),
            )
            for name, zoom in CLOSER_ZOOMS.items()
        }

    def shares(self, sought: float, look_alikes: float) -> tuple[float, ...]:
        """How often each class is drawn: what is sought, the others equally often, look-alikes."""
        others = len(self.names) - 1
        rest = 1 - sought - look_alikes
        if not others:
            return (sought + rest, look_alikes)
        return (sought, *[rest / others] * others, look_alikes)


def proposal_network(classes: Classes) -> nn.Sequential:
    """The proposal network: one output per class every 4 px, with a receptive field of 63 px.

    An object is about 16 px tall, so the field is four objects wide.

    Strides come first and dilations last, because the cost of a layer falls with the square of the
    strides before it: together 2,130 multiply-adds per pixel of the pyramid.
    """
    output = nn.Conv2d(32, len(classes.names), 1)
    # At almost every place there is no object: start with a probability of 0.05, sigmoid(-3).
    nn.init.constant_(bias_of(output), -3.0)
    return nn.Sequential(
        *_block(3, 16, 3, stride=2),
        *_block(16, 32, 3, stride=2),
        *_block(32, 32, 3),
        *_block(32, 32, 3, dilation=2),
        *_block(32, 32, 3, dilation=4),
        output,
    )


def classifier_network(classes: Classes) -> nn.Sequential:
    """The network of a closer look: one output per label for a cut of 77 x 77 px.

    One cut costs 51 million multiply-adds.
    """
    return nn.Sequential(*_trunk(), nn.Dropout(0.2), nn.Conv2d(64, len(classes.labels), 1))


def box_network(classifier: nn.Sequential | None = None) -> nn.Sequential:
    """The network of a box look: four numbers for a cut of 77 x 77 px, at first 0.

    It sees what a closer look sees, and so it starts from the layers of a `classifier` that is trained.
    """
    output = nn.Conv2d(64, 4, 1)
    nn.init.zeros_(output.weight)
    nn.init.zeros_(bias_of(output))
    trunk = _trunk() if classifier is None else copy.deepcopy(list(classifier)[:-2])
    # What is trained is returned without gradients (`optimise`): switch them on again.
    return nn.Sequential(*trunk, output).requires_grad_(True)


def _trunk() -> list[nn.Module]:
    """The layers of a network for cuts, up to 64 channels that describe the cut."""
    return [
        *_block(3, 32, 5, stride=2),
        *_block(32, 32, 3),
        *_block(32, 64, 3, stride=2),
        *_block(64, 64, 3),
        *_block(64, 96, 3),
        *_block(96, 96, 3),
        *_block(96, 96, 3, stride=2),
        *_block(96, 64, 5),
    ]


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
