"""What a user would take instead, each with the same number of threads. An absent one is None."""

from __future__ import annotations

import contextlib
import importlib
import importlib.metadata
import shutil
import subprocess
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np

from waldo_cli.stack.layers import Combine, Conv, Pointwise
from waldo_cli.stack.stack import Stack

THREADS = 2


def load(name: str) -> ModuleType | None:
    """Import a peer, or say that it is absent."""
    try:
        module = importlib.import_module(name)
    except ImportError:
        print(f"- {name} is not installed, its columns stay out")
        return None
    if name == "cv2":
        module.setNumThreads(THREADS)
    if name == "torch":
        module.set_num_threads(THREADS)
    return module


def opencv(cv2: Any, x: np.ndarray, V: np.ndarray, metric: str) -> dict[str, Callable[[], Any]]:
    """OpenCV's scores of one mask, as a contestant named by its metric."""
    return {f"opencv {metric}": lambda: cv2.matchTemplate(x, V, getattr(cv2, metric))}


def versions() -> dict[str, str]:
    """What is installed of the peers, by the names of their columns."""
    packages = {
        "opencv": ("opencv-python-headless", "opencv-python"),
        "scikit-image": ("scikit-image",),
        "torch": ("torch",),
        "onnxruntime": ("onnxruntime",),
    }
    found: dict[str, str] = {}
    for column, names in packages.items():
        for name in names:
            with contextlib.suppress(importlib.metadata.PackageNotFoundError):
                found.setdefault(column, importlib.metadata.version(name))
    path = shutil.which("compare")
    if path is not None:
        said = subprocess.run(
            [path, "-version"], capture_output=True, text=True, check=False
        ).stdout
        found["imagemagick"] = said.partition("ImageMagick ")[2].partition(" ")[0]
    return found


def program(name: str) -> str | None:
    """Path of a program, or say that it is absent."""
    path = shutil.which(name)
    if path is None:
        print(f"- {name} is not installed, its columns stay out")
    return path


def torch_layers(torch: Any, stack: Stack) -> Any:
    """The same layers in PyTorch."""
    modules: list[Any] = []
    for layer in stack.layers:
        if isinstance(layer, Conv):
            A, B, per_group, K = layer.kernel.shape
            conv = torch.nn.Conv2d(
                per_group * layer.groups,
                K,
                (A, B),
                stride=layer.stride,
                dilation=layer.dilation,
                groups=layer.groups,
                bias=layer.bias is not None,
            )
            kernel = layer.kernel[::-1, ::-1] if layer.flip else layer.kernel
            conv.weight.data = torch.from_numpy(kernel.transpose(3, 2, 0, 1).copy())
            if layer.bias is not None:
                conv.bias.data = torch.from_numpy(np.array(layer.bias))
            modules.append(conv)
        elif isinstance(layer, Pointwise) and layer.op in ("relu", "sigmoid", "tanh", "softmax"):
            kinds = {"relu": "ReLU", "sigmoid": "Sigmoid", "tanh": "Tanh", "softmax": "Softmax"}
            kind = getattr(torch.nn, kinds[layer.op])
            modules.append(kind(dim=1) if layer.op == "softmax" else kind())
        elif isinstance(layer, Combine) and layer.how == "max":
            modules.append(_maximum(torch))
        else:
            raise NotImplementedError(f"{layer.op} has no line here")
    return torch.nn.Sequential(*modules).eval()


def _maximum(torch: Any) -> Any:
    class Maximum(torch.nn.Module):  # type: ignore[misc,name-defined]
        def forward(self, x: Any) -> Any:
            return x.amax(1, keepdim=True)

    return Maximum()


def covers(stack: Stack) -> bool:
    """Whether the peers have every layer of this stack."""
    return all(
        isinstance(layer, Conv)
        or layer.op in ("relu", "sigmoid", "tanh", "softmax")
        or (isinstance(layer, Combine) and layer.how == "max")
        for layer in stack.layers
    )


def onnx_layers(onnx: Any, ort: Any, stack: Stack) -> Callable[[Any], Any]:
    """The same layers in onnxruntime: planes first in, planes first out."""
    make, nodes, weights, name = onnx.helper, [], [], "x"
    for n, layer in enumerate(stack.layers):
        if isinstance(layer, Conv):
            kernel = layer.kernel[::-1, ::-1] if layer.flip else layer.kernel
            arrays = {f"w{n}": kernel.transpose(3, 2, 0, 1).copy()}
            if layer.bias is not None:
                arrays[f"b{n}"] = np.array(layer.bias)
            weights += [onnx.numpy_helper.from_array(a, name) for name, a in arrays.items()]
            options = {
                "strides": list(layer.stride),
                "dilations": list(layer.dilation),
                "group": layer.groups,
            }
            nodes.append(make.make_node("Conv", [name, *arrays], [f"h{n}"], **options))
        elif isinstance(layer, Combine):
            axes = onnx.numpy_helper.from_array(np.array([1]), f"axes{n}")
            weights.append(axes)
            nodes.append(make.make_node("ReduceMax", [name, f"axes{n}"], [f"h{n}"], keepdims=1))
        else:
            kinds = {"relu": "Relu", "sigmoid": "Sigmoid", "tanh": "Tanh", "softmax": "Softmax"}
            options = {"axis": 1} if layer.op == "softmax" else {}
            nodes.append(make.make_node(kinds[layer.op], [name], [f"h{n}"], **options))
        name = f"h{n}"
    kind = onnx.TensorProto.FLOAT
    graph = make.make_graph(
        nodes,
        "stack",
        [make.make_tensor_value_info("x", kind, [1, stack.input_channels, None, None])],
        [make.make_tensor_value_info(name, kind, None)],
        weights,
    )
    model = make.make_model(graph, opset_imports=[make.make_opsetid("", 18)], ir_version=8)
    options = ort.SessionOptions()
    options.intra_op_num_threads = THREADS
    loaded = ort.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    return lambda planes: loaded.run(None, {"x": planes})[0]
