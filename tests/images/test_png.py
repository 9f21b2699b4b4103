"""A written PNG holds the samples, whole, and is the same on any number of cores."""

from __future__ import annotations

import io
import stat
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from imagefiles import as_float, noise
from PIL import Image

from waldo_cli.errors import FileError
from waldo_cli.images.load import load_image
from waldo_cli.images.png import save_png


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    samples=st.builds(
        noise, st.integers(1, 40), st.integers(1, 40), st.sampled_from([1, 3]), st.integers(0, 999)
    )
)
def test_a_written_png_reads_back_the_same(tmp_path: Path, samples: np.ndarray) -> None:
    path = tmp_path / "out.png"
    save_png(path, samples[..., 0] if samples.shape[-1] == 1 else samples)
    with Image.open(path) as image:
        image.verify()
    with Image.open(path) as image:
        assert image.mode == ("L" if samples.shape[-1] == 1 else "RGB")
        np.testing.assert_array_equal(np.asarray(image).reshape(samples.shape), samples)


def test_a_written_png_of_several_bands_is_the_same_on_any_number_of_cores(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    samples = noise(1200, 700)[:, ::-1]
    written = set()
    for cores in ("1", "4"):
        monkeypatch.setenv("OMP_NUM_THREADS", cores)
        save_png(tmp_path / "out.png", samples)
        written.add((tmp_path / "out.png").read_bytes())
        np.testing.assert_array_equal(load_image(tmp_path / "out.png"), as_float(samples))
    (data,) = written
    with Image.open(io.BytesIO(data)) as image:
        image.verify()
    chunks = data.split(b"IDAT")[1:]
    zlib.decompress(
        b"".join(part[: -8 if i + 1 < len(chunks) else -16] for i, part in enumerate(chunks))
    )


def test_a_picture_that_makes_its_rows_is_written_like_the_array(tmp_path: Path) -> None:
    samples = noise(1500, 6000)  # more bands than are compressed at once

    class Rows:
        shape = samples.shape
        most = 0

        def __getitem__(self, rows: slice) -> np.ndarray:
            made = samples[rows].copy()
            self.most = max(self.most, len(made))
            return made

    rows = Rows()
    save_png(tmp_path / "rows.png", rows)
    save_png(tmp_path / "array.png", samples)
    assert (tmp_path / "rows.png").read_bytes() == (tmp_path / "array.png").read_bytes()
    assert rows.most < 100
    with Image.open(tmp_path / "rows.png") as image:
        np.testing.assert_array_equal(np.asarray(image), samples)


def test_a_png_that_cannot_be_written_is_a_file_error(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="does not exist") as caught:
        save_png(tmp_path / "no" / "out.png", noise(2, 2))
    assert caught.value.path == str(tmp_path / "no" / "out.png")


def test_a_written_png_has_the_rights_of_any_new_file(tmp_path: Path) -> None:
    save_png(tmp_path / "out.png", noise(2, 2))
    (tmp_path / "other").touch()
    modes = {stat.S_IMODE(p.stat().st_mode) for p in tmp_path.iterdir()}
    assert len(modes) == 1
