"""The jobs a to g; `searches` has the others. Each yields rows of the table."""

from __future__ import annotations

import copy
import math
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks import peers
from benchmarks.cases import spot
from benchmarks.measure import OURS, Row, compare, compare_processes
from waldo_cli import Size, cross_correlate, load_image, load_stack, normalized_cross_correlate
from waldo_cli.detector.search import Search
from waldo_cli.stack.layers import Conv

HERE = Path(__file__).resolve().parent
SCENE = HERE.parent / "sample_images" / "town.png"
MEGAPIXELS = {0.3: (480, 640), 3: (1536, 2048), 12: (3000, 4000)}


@dataclass
class Settings:
    """What the command line says."""

    runs: int
    quick: bool
    image: Path = SCENE


def page(settings: Settings, height: int, width: int) -> np.ndarray:
    """The test picture, mirrored on until it has this size, under a little noise as of a scan."""
    x = load_image(settings.image)
    H, W = x.shape[:2]
    rows, cols = (
        np.abs((np.arange(n) + m) % (2 * m) - m).clip(0, m - 1)
        for n, m in ((height, H), (width, W))
    )
    x = x[rows][:, cols]
    noise = np.random.default_rng(0).standard_normal(x.shape, np.float32)
    return np.clip(x + np.float32(0.01) * noise, 0, 1)


def crop(x: np.ndarray, height: int, width: int | None = None, n: int = 0) -> np.ndarray:
    """A mask out of the picture, from where it has contrast; square where no width is said."""
    width = width or height
    # Of pixels in [0, 1] no spot has as much as `spot` asks for: it is the best of those that it tries.
    top, left = spot(np.random.default_rng(n), x, height, width, least_cells=0)
    return np.ascontiguousarray(x[top : top + height, left : left + width])


def masks(settings: Settings) -> Iterator[Row]:
    """One RGB mask of several sizes over several images, raw and ncc."""
    cv2, feature = peers.load("cv2"), peers.load("skimage.feature")
    sides = (16, 64) if settings.quick else (16, 32, 64, 128, 256)
    for megapixels in (0.3, 3) if settings.quick else (0.3, 3, 12):
        x = page(settings, *MEGAPIXELS[megapixels])
        for side in sides:
            V = crop(x, side)
            label = f"mask {side} px, {megapixels} Mpx"
            raw = {OURS: lambda x=x, V=V: cross_correlate(x, V[..., None])[:, :, 0]}
            ncc = {OURS: lambda x=x, V=V: normalized_cross_correlate(x, V)[:, :, 0]}
            if cv2:
                raw |= peers.opencv(cv2, x, V, "TM_CCORR")
                ncc |= peers.opencv(cv2, x, V, "TM_CCOEFF_NORMED")
            yield compare("a", f"raw, {label}", raw, runs=settings.runs)
            yield compare("a", f"ncc, {label}", ncc, runs=settings.runs)
            if feature and megapixels == (0.3 if settings.quick else 3) and side in (16, 64):
                both = {
                    OURS: ncc[OURS],
                    "scikit-image": lambda x=x, V=V: feature.match_template(x, V)[:, :, 0],
                }
                note = "scikit-image takes one mean over all channels"
                yield compare(
                    "a", f"ncc, {label}", both, runs=min(settings.runs, 3), check=False, note=note
                )


def many(settings: Settings) -> Iterator[Row]:
    """8 and 64 masks over one image."""
    cv2 = peers.load("cv2")
    x = page(settings, *MEGAPIXELS[0.3 if settings.quick else 3])
    for count in (8, 64):
        V = np.stack([crop(x, 32, n=n) for n in range(count)], axis=3)
        for what in ("raw", "ncc"):
            ours = cross_correlate if what == "raw" else normalized_cross_correlate
            calls = {OURS: lambda V=V, ours=ours: ours(x, V)}
            if cv2:
                metric = "TM_CCORR" if what == "raw" else "TM_CCOEFF_NORMED"
                each = [np.ascontiguousarray(V[..., k]) for k in range(count)]
                calls[f"opencv {metric}"] = lambda each=each, metric=metric: np.stack(
                    [cv2.matchTemplate(x, v, getattr(cv2, metric)) for v in each], axis=2
                )
            what = f"{what}, {count} masks of 32 px, {x.shape[0] * x.shape[1] / 1e6:.1f} Mpx"
            yield compare("b", what, calls, runs=min(settings.runs, 5))


def alpha(settings: Settings) -> Iterator[Row]:
    """Masks with weights: of 0 and 1 as OpenCV has them, and in between."""
    cv2 = peers.load("cv2")
    x = page(settings, *MEGAPIXELS[0.3 if settings.quick else 3])
    for side in (32, 128):
        V = crop(x, side)
        i, j = np.mgrid[:side, :side] - (side - 1) / 2
        soft = np.clip(side / 2 - np.hypot(i, j), 0, 1).astype(np.float32)
        hard = (soft > 0.5).astype(np.float32)
        size = f"mask {side} px, {x.shape[0] * x.shape[1] / 1e6:.1f} Mpx"
        calls = {OURS: lambda V=V, w=hard: normalized_cross_correlate(x, V, weights=w)[:, :, 0]}
        if cv2:
            mask = np.repeat(hard[:, :, None], 3, 2)
            calls["opencv TM_CCOEFF_NORMED"] = lambda V=V, mask=mask: cv2.matchTemplate(
                x, V, cv2.TM_CCOEFF_NORMED, mask=mask
            )
        yield compare("c", f"ncc, weights 0 and 1, {size}", calls, runs=min(settings.runs, 5))
        calls = {OURS: lambda V=V, w=soft: normalized_cross_correlate(x, V, weights=w)[:, :, 0]}
        yield compare("c", f"ncc, soft weights, {size}", calls, runs=min(settings.runs, 5))


def stacks(settings: Settings) -> Iterator[Row]:
    """Each layer of the built-in learned stack, and the whole of it."""
    torch, onnx, ort = peers.load("torch"), peers.load("onnx"), peers.load("onnxruntime")
    x = page(settings, *((480, 640) if settings.quick else (960, 1280)))
    reached = _sgemm_rate()
    for name, stack in _built_in():
        h = x[:384, :384] if name.startswith("closer") else x
        x0 = h
        convs = peers.covers(stack)
        for number, layer in enumerate(stack.layers, 1):
            if isinstance(layer, Conv):
                calls: dict[str, Callable[[], Any]] = {OURS: lambda s=layer, h=h: s.run(h)}
                if torch and convs:
                    one = peers.torch_layers(torch, _alone(stack, layer))
                    calls |= _torch_calls(torch, one, h)
                row = compare("d", f"{name} {number}: {layer}", calls, runs=settings.runs)
                done = layer.multiply_adds() * math.prod(layer.output_size(h.shape[:2]))
                share = 2 * done / row.seconds[OURS] / reached
                row.note = f"{share:.0%} of sgemm alone ({reached / 1e9:.0f} GFLOP/s)"
                yield row
            h = layer.run(h)
        calls = {OURS: lambda stack=stack, x=x0: stack.run(x)}
        if torch and convs:
            calls |= _torch_calls(torch, peers.torch_layers(torch, stack), x0)
        if onnx and ort and convs:
            network, planes = peers.onnx_layers(onnx, ort, stack), _planes(x0)
            calls["onnxruntime"] = lambda network=network, planes=planes: _channels_last(
                network(planes)
            )
        size = f"{x0.shape[0] * x0.shape[1] / 1e6:.1f} Mpx"
        yield compare("d", f"{name}, all layers, {size}", calls, runs=settings.runs)


def _built_in() -> Iterator[tuple[str, Any]]:
    learned = load_stack("waldo")
    yield "waldo", learned
    for number, look in enumerate(learned.closer_looks, 1):
        yield f"closer look {number}", look.stack
    yield "stripes", load_stack("stripes")


def _alone(stack: Any, layer: Conv) -> Any:
    """A stack of this layer alone."""
    return type(stack)(name=stack.name, layers=(layer,))


def _planes(x: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(x.transpose(2, 0, 1)[None])


def _channels_last(planes: Any) -> np.ndarray:
    return np.asarray(planes)[0].transpose(1, 2, 0)


def _torch_calls(torch: Any, network: Any, x: np.ndarray) -> dict[str, Callable[[], Any]]:
    planes = torch.from_numpy(_planes(x))
    last = planes.to(memory_format=torch.channels_last)
    other = copy.deepcopy(network).to(memory_format=torch.channels_last)

    def call(net: Any, tensor: Any) -> Callable[[], Any]:
        def run() -> np.ndarray:
            with torch.inference_mode():
                return _channels_last(net(tensor).numpy())

        return run

    return {"torch nchw": call(network, planes), "torch nhwc": call(other, last)}


def _sgemm_rate() -> float:
    """Floating point operations a second of numpy's matrix product, of a size that suits it."""
    a = np.ones((2048, 2048), np.float32)
    a @ a
    times = []
    for _ in range(5):
        start = time.perf_counter()
        a @ a
        times.append(time.perf_counter() - start)
    return 2 * 2048**3 / min(times)


def whole(settings: Settings) -> Iterator[Row]:
    """The whole process on a page of 3 Mpx, and one mask at one scale."""
    compare_program = peers.program("compare")
    has_cv2 = peers.load("cv2") is not None
    with tempfile.TemporaryDirectory() as folder:
        x = page(settings, *MEGAPIXELS[3])
        picture, mask = Path(folder, "page.jpg"), Path(folder, "mask.png")
        save(x, picture)
        save(crop(x, 48), mask)
        detect = [sys.executable, "-m", "waldo_cli", "detect", str(picture)]
        searched = Search.of("waldo").scales_for(Size(*x.shape[:2]))
        scales = ",".join(f"{1 / s:g}" for s in searched)
        script = [sys.executable, str(HERE / "opencv_script.py"), str(picture), str(mask)]
        runs = min(settings.runs, 5)
        commands = {OURS: [*detect, "-o", folder]}
        if has_cv2:
            commands["opencv TM_CCOEFF_NORMED"] = [*script, scales]
        yield compare_processes("e", "default stack, 3 Mpx, its scales", commands, runs=runs)
        one = [*detect, "-o", folder, "--mask", str(mask), "--scales", "1", "--threshold", "0.9"]
        commands = {OURS: one}
        if has_cv2:
            commands["opencv TM_CCOEFF_NORMED"] = [*script, "1"]
        yield compare_processes("e", "one mask of 48 px, one scale, 3 Mpx", commands, runs=runs)
        if compare_program and not settings.quick:  # minutes for a page of this size
            small = Path(folder, "small.png")
            save(x[:240, :320], small)
            search = ["-metric", "NCC", "-subimage-search", str(small), str(mask), "null:"]
            one[one.index(str(picture))] = str(small)
            commands = {OURS: one, "imagemagick NCC": [compare_program, *search]}
            what = "one mask of 48 px, one scale, 320 x 240"
            yield compare_processes("e", what, commands, runs=1, warm=False)


def save(x: np.ndarray, path: Path) -> None:
    """Write pixels in [0, 1] as the path's ending says."""
    Image.fromarray(np.round(x * 255).astype(np.uint8)).save(path, quality=95)


def start(settings: Settings) -> Iterator[Row]:
    """What a process takes that does nothing yet."""
    python = [sys.executable, "-c"]
    waldo = [sys.executable, "-m", "waldo_cli"]
    for what, ours, peer, other in [
        ("--version", [*waldo, "--version"], "import click", [*python, "import click"]),
        ("--help", [*waldo, "--help"], "import click", [*python, "import click"]),
        (
            "import cross_correlate",
            [*python, "from waldo_cli import cross_correlate"],
            "import numpy",
            [*python, "import numpy"],
        ),
    ]:
        yield compare_processes("f", what, {OURS: ours, peer: other}, runs=max(settings.runs, 7))


def growth(settings: Settings) -> Iterator[Row]:
    """Time and memory as image and masks grow, with the slope in log-log."""
    sizes = (1, 4, 16) if settings.quick else (1, 4, 16, 100)
    times = []
    for megapixels in sizes:
        side = round(math.sqrt(megapixels * 1e6))
        x = page(settings, side, side)
        V = crop(x, 48)
        row = compare(
            "g",
            f"ncc, mask 48 px, {megapixels} Mpx",
            {OURS: lambda x=x, V=V: normalized_cross_correlate(x, V)},
            runs=1 if megapixels > 16 else 3,
            check=False,
        )
        times.append(row.seconds[OURS])
        row.note = f"limit {200 + 2 * x.nbytes / 1e6:.0f} MB"
        if len(times) > 1:
            row.note += f"; slope {_slope(sizes[: len(times)], times):.2f}"
        yield row
    x = page(settings, *MEGAPIXELS[0.3])
    times, counts = [], (1, 4, 16, 64)
    for count in counts:
        V = np.stack([crop(x, 32, n=n) for n in range(count)], axis=3)
        call = {OURS: lambda V=V: normalized_cross_correlate(x, V)}
        row = compare("g", f"ncc, {count} masks, 0.3 Mpx", call, runs=3, check=False)
        times.append(row.seconds[OURS])
        if len(times) > 1:
            row.note = f"slope {_slope(counts[: len(times)], times):.2f}"
        yield row


def _slope(x: Any, y: Any) -> float:
    return float(np.polyfit(np.log(x), np.log(y), 1)[0])


def kernels(settings: Settings) -> Iterator[Row]:
    """Peak memory and time of kernels from one pixel to nearly the image."""
    x = page(settings, *MEGAPIXELS[0.3 if settings.quick else 3])
    limit = 200 + 2 * x.nbytes / 1e6
    for side in (3, 48, 400) if settings.quick else (3, 48, 400, 1500):
        V = np.ascontiguousarray(x[:side, :side])
        for what, call in {
            "raw": lambda V=V: cross_correlate(x, V[..., None]),
            "ncc": lambda V=V: normalized_cross_correlate(x, V),
        }.items():
            tracemalloc.start()
            begin = time.perf_counter()
            result = call()
            seconds = time.perf_counter() - begin
            peak = (tracemalloc.get_traced_memory()[1] - result.nbytes) / 1e6
            tracemalloc.stop()
            note = f"limit {limit:.0f} MB"
            size = f"{x.shape[0] * x.shape[1] / 1e6:.1f} Mpx"
            yield Row("g", f"{what}, mask {side} px, {size}", {OURS: seconds}, {}, peak, note=note)


JOBS: dict[str, list[Callable[[Settings], Iterator[Row]]]] = {
    "a": [masks],
    "b": [many],
    "c": [alpha],
    "d": [stacks],
    "e": [whole],
    "f": [start],
    "g": [growth, kernels],
}
