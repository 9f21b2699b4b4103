"""Build the graph of an ONNX model, node by node.

Tensors are planes first, as ONNX has them: ``(N, C, H, W)``. A tensor is known by its name; `Graph.node` adds
an operator and returns the name of its output.

References
----------
The operators: https://onnx.ai/onnx/operators/
"""

from __future__ import annotations

from typing import Any

import numpy as np

from waldo_cli.arrays import Array

# Versions of the operators and of the file; onnxruntime reads them since 1.14.
OPSET, FILE_VERSION = 18, 8

#: Axes of a tensor.
CHANNELS, ROWS, COLS = 1, 2, 3

#: Names of the tensors that go into a model and come out of it.
IMAGE, ACTIVATIONS = "image", "activations"


class Graph:
    """Operators in the order in which they run, and the arrays that they use."""

    def __init__(self) -> None:
        self._nodes: list[Any] = []
        self._arrays: list[Any] = []

    def node(self, op: str, *inputs: str, **attributes: Any) -> str:
        """Add an operator; an input that is left out is ``""``."""
        import onnx

        output = f"{op.lower()}{len(self._nodes) + 1}"
        # With a name: onnxruntime 1.19 gives what it makes of nodes without one all the same name.
        node = onnx.helper.make_node(op, list(inputs), [output], name=output, **attributes)
        self._nodes.append(node)
        return output

    def array(self, values: Array) -> str:
        """Add an array of numbers that does not depend on the image."""
        import onnx

        name = f"array{len(self._arrays) + 1}"
        values = np.ascontiguousarray(values)
        self._arrays.append(onnx.numpy_helper.from_array(values, name))
        return name

    def whole(self, *values: int) -> str:
        """Add a list of whole numbers, as axes and shapes are given."""
        return self.array(np.array(values, np.int64))

    def number(self, value: float) -> str:
        """Add one float32."""
        return self.array(np.array(value, np.float32))

    def length(self, x: str, axis: int) -> str:
        """How many rows, columns or channels a tensor has, a scalar."""
        shape = self.node("Shape", x, start=axis, end=axis + 1)
        return self.node("Squeeze", shape, self.whole(0))

    def padded(self, x: str, widths: tuple[tuple[int, int], tuple[int, int]], mode: str) -> str:
        """A tensor with rows and columns added around it, as `cross_correlate` pads.

        By indices, not by ONNX's own Pad: that takes no more of an image's rows than the image has.
        """
        if mode == "zero":
            (top, bottom), (left, right) = widths
            return self.node("Pad", x, self.whole(0, 0, top, left, 0, 0, bottom, right))
        for axis, (before, after) in zip((ROWS, COLS), widths, strict=True):
            if before or after:
                x = self.node("Gather", x, self._outside(x, axis, before, after, mode), axis=axis)
        return x

    def _outside(self, x: str, axis: int, before: int, after: int, mode: str) -> str:
        """For each row or column of a padded tensor, which one of the tensor stands there."""
        zero, one = (self.array(np.array(n, np.int64)) for n in (0, 1))
        length = self.length(x, axis)
        start, more = (self.array(np.array(n, np.int64)) for n in (-before, after))
        at = self.node("Range", start, self.node("Add", length, more), one)
        last = self.node("Sub", length, one)
        if mode == "wrap":
            return self.node("Mod", at, length)
        if mode == "edge":
            return self.node("Max", self.node("Min", at, last), zero)
        # To and fro: 0 1 2 3 2 1, 0 1 2 3 2 1, ...
        period = self.node("Max", self.node("Add", last, last), one)
        at = self.node("Mod", at, period)
        return self.node("Min", at, self.node("Sub", period, at))

    def model(self, output: str, channels: tuple[int, int], maker: str, version: str) -> bytes:
        """The model as the bytes of a file: from the tensor ``image`` to ``activations``.

        Parameters
        ----------
        output
            The tensor that becomes ``activations``.
        channels
            Those of the image and of the activations. Their number, height and width are free.
        maker, version
            What made the model; they stand at the beginning of the file.
        """
        import onnx

        helper, kind = onnx.helper, onnx.TensorProto.FLOAT
        given, made = channels
        self._nodes.append(helper.make_node("Identity", [output], [ACTIVATIONS]))
        used = {name for node in self._nodes for name in node.input}
        graph = helper.make_graph(
            self._nodes,
            "stack",
            [helper.make_tensor_value_info(IMAGE, kind, ["n", given, "height", "width"])],
            [helper.make_tensor_value_info(ACTIVATIONS, kind, ["n", made, "rows", "columns"])],
            [array for array in self._arrays if array.name in used],
        )
        opset = helper.make_opsetid("", OPSET)
        model = helper.make_model(graph, opset_imports=[opset], ir_version=FILE_VERSION)
        model.producer_name, model.producer_version = maker, version
        onnx.checker.check_model(model, full_check=True)
        data: bytes = model.SerializeToString()
        return data
