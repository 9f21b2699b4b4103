"""The layers of a stack as operators of ONNX, `model_of` for all of them."""

from __future__ import annotations

import numpy as np

from waldo_cli.errors import StackError
from waldo_cli.export.graph import CHANNELS, IMAGE, Graph
from waldo_cli.export.masks import add_mask
from waldo_cli.geometry import Pair, same_padding
from waldo_cli.stack.layers import (
    FLAT,
    Combine,
    Conv,
    Layer,
    MaskLayer,
    Normalize,
    Pointwise,
    Pool,
    Upsample,
)
from waldo_cli.stack.stack import Stack

_POINTWISE = {"relu": "Relu", "sigmoid": "Sigmoid", "tanh": "Tanh", "abs": "Abs"}


def model_of(stack: Stack, maker: str, version: str) -> bytes:
    """The layers of a stack as the bytes of an ONNX model.

    It takes ``image``, ``(N, C, H, W)`` float32 in [0, 1], of any size that `Stack.run` takes, and gives
    ``activations``, ``(N, K, H', W')``. Closer looks are not in it.

    Raises
    ------
    StackError
        A layer cannot be exported: a mask layer without a mask.
    """
    graph = Graph()
    x = IMAGE
    for number, layer in enumerate(stack.layers, 1):
        try:
            x = add_layer(graph, x, layer)
        except StackError as e:
            raise StackError(f"layer {number} ({layer.op}): {e.reason}") from None
    channels = stack.channels()
    return graph.model(x, (channels[0], channels[-1]), maker, version)


def add_layer(graph: Graph, x: str, layer: Layer) -> str:
    """Add a layer that works on the tensor `x`; the name of its output."""
    match layer:
        case Conv():
            return _conv(graph, x, layer)
        case Pointwise():
            return _pointwise(graph, x, layer)
        case Pool(op="max-pool"):
            return graph.node("MaxPool", x, kernel_shape=layer.size, strides=layer.stride)
        case Pool():
            return _mean(graph, x, layer.size, layer.stride)
        case Normalize():
            return _normalize(graph, x, layer)
        case Upsample():
            # The nearest activation before each place: every one is repeated.
            scales = graph.array(np.array([1, 1, layer.factor, layer.factor], np.float32))
            how = {"mode": "nearest", "nearest_mode": "floor"}
            how["coordinate_transformation_mode"] = "asymmetric"
            return graph.node("Resize", x, "", scales, **how)
        case Combine():
            op = {"max": "ReduceMax", "mean": "ReduceMean", "sum": "ReduceSum"}[layer.how]
            return graph.node(op, x, graph.whole(CHANNELS))
        case MaskLayer():
            return add_mask(graph, x, layer)
    raise StackError("there is no such operator in ONNX")


def _pointwise(graph: Graph, x: str, layer: Pointwise) -> str:
    if layer.op == "leaky-relu":
        return graph.node("LeakyRelu", x, alpha=layer.slope)
    if layer.op == "softmax":
        return graph.node("Softmax", x, axis=CHANNELS)
    return graph.node(_POINTWISE[layer.op], x)


def _conv(graph: Graph, x: str, layer: Conv) -> str:
    kernel = layer.kernel[::-1, ::-1] if layer.flip else layer.kernel
    arrays = [graph.array(kernel.transpose(3, 2, 0, 1))]
    if layer.bias is not None:
        arrays.append(graph.array(layer.bias))
    mode = layer.padding if isinstance(layer.padding, str) else "zero"
    if mode != "valid":
        x = graph.padded(x, layer.padding_widths(), mode)
    how = {"strides": layer.stride, "dilations": layer.dilation, "group": layer.groups}
    return graph.node("Conv", x, *arrays, **how)


def _mean(graph: Graph, x: str, size: Pair, stride: Pair) -> str:
    """The mean of each window: first along columns, then along rows, so that sums are short."""
    x = graph.node("AveragePool", x, kernel_shape=(size[0], 1), strides=(stride[0], 1))
    return graph.node("AveragePool", x, kernel_shape=(1, size[1]), strides=(1, stride[1]))


def _normalize(graph: Graph, x: str, layer: Normalize) -> str:
    widths = same_padding(layer.size[0]), same_padding(layer.size[1])

    def local_mean(of: str) -> str:
        one = graph.node("ReduceMean", of, graph.whole(CHANNELS))
        return _mean(graph, graph.padded(one, widths, "edge"), layer.size, (1, 1))

    mean = local_mean(x)
    centred = graph.node("Sub", x, mean)
    deviation = graph.node("Sqrt", local_mean(graph.node("Mul", centred, centred)))
    least = graph.node("Mul", graph.node("Abs", mean), graph.number(FLAT))
    flat = graph.node("LessOrEqual", deviation, least)
    divisor = graph.node("Where", flat, graph.number(1), deviation)
    return graph.node("Where", flat, graph.number(0), graph.node("Div", centred, divisor))
