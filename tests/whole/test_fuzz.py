"""Whatever a file holds, its reader takes it or says in one line why not.

Sound files are changed at random here; `fuzz/` does the same for hours, led by coverage. What either
found stands below as an example. `WALDO_FUZZ=20000 pytest tests/whole/test_fuzz.py` tries so many changes of
each reader's files instead of 120.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from readers import READERS, SEEDS, prepare, read

from waldo_cli.batch.journal import Journal
from waldo_cli.errors import FileError, InvalidInputError
from waldo_cli.evaluation.truth import read_truth

EXAMPLES = int(os.environ.get("WALDO_FUZZ") or 60)

# What is put into a file: any bytes, or what means something in one of the formats.
WORDS = (
    b"nan", b"-inf", b"1e999", b"-1", b"0", b"9" * 30, b"true", b"null", b'"', b"'", b"[", b"]", b"{}", b",",
    b"\n", b"\0", b"\xff", b"\\ud800", b"../", b"/dev/zero", b"weights:k", b"=", b"#", b"\xff\xff\xff\xff",
    b"\xff\xd8", b"PK\x01\x02", b"page.png", b"\x80",
)  # fmt: skip

changes = st.lists(
    st.tuples(
        st.sampled_from(("replace", "insert", "drop", "repeat", "cut")),
        st.floats(0, 1, exclude_max=True),
        st.integers(1, 200),
        st.sampled_from(WORDS) | st.binary(min_size=1, max_size=8),
    ),
    max_size=4,
)


def changed(data: bytes, steps: list[tuple[str, float, int, bytes]]) -> bytes:
    for kind, share, count, piece in steps:
        at = int(share * len(data))
        head, tail = data[:at], data[at:]
        match kind:
            case "replace":
                data = head + piece + tail[len(piece) :]
            case "insert":
                data = head + piece + tail
            case "drop":
                data = head + tail[count:]
            case "repeat":
                data = head + tail[:count] * 3 + tail[count:]
            case "cut":
                data = head
    return data


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("fuzz")
    prepare(place)
    return place


@pytest.mark.parametrize("reader", READERS)
def test_sound_files_are_taken(reader: str, folder: Path) -> None:
    assert sum(read(reader, data, folder) for data in SEEDS[reader]()) >= 2


@pytest.mark.parametrize("reader", READERS)
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(pick=st.integers(0, 99), steps=changes)
def test_a_changed_file_is_taken_or_refused_in_one_line(
    reader: str, folder: Path, pick: int, steps: list[tuple[str, float, int, bytes]]
) -> None:
    seeds = list(SEEDS[reader]())
    read(reader, changed(seeds[pick % len(seeds)], steps), folder)


@pytest.mark.parametrize("reader", READERS)
@settings(max_examples=EXAMPLES // 2, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.binary(max_size=300) | st.lists(st.sampled_from(WORDS)).map(b"".join))
def test_any_bytes_are_taken_or_refused_in_one_line(reader: str, folder: Path, data: bytes) -> None:
    read(reader, data, folder)


# --- what was found ---------------------------------------------------------------------------------

FOUND = {
    "a record nested too deeply": ("resume", b"[" * 100_000 + b"\n"),
    "a record of words": ("resume", b'{"schema": 1, "path": "a", "run": 1}\n'),
    "a page whose name is too long": (
        "truth",
        b"filename,width,height,class,xmin,ymin,xmax,ymax\n%b.png,48,40,waldo,1,2,30,9\n"
        % (b"a" * 300),
    ),
    "weights whose name is too long": ("stack", b'format = 1\nweights = "%b.npz"\n' % (b"a" * 500)),
}


@pytest.mark.parametrize("name", FOUND)
def test_what_was_found_is_refused_in_one_line(name: str, folder: Path) -> None:
    assert not read(*FOUND[name], folder)


LINE = (
    '{"schema": 1, "path": "a.png", "width": 48, "height": 40, "found": true, "detections": [{"label":'
    ' "waldo", "x": 1.5, "y": 2.5, "score": 0.75, "box": [0, 1, 3, 4], "scale": 0.5}], "margin": null,'
    ' "turned": 0, "heatmap": null, "error": null, "seconds": 0, "run": "run", "bytes": null,'
    ' "modified": null}\n'
)


@pytest.mark.parametrize(
    ("sound", "tampered"),
    [
        ('"x": 1.5', '"x": "1.5"'),
        ('"x": 1.5', '"x": NaN'),
        ('"x": 1.5', '"x": 1e999'),
        ('"score": 0.75', '"score": true'),
        ('[0, 1, 3, 4]', '[0, 1, 3]'),
        ('[0, 1, 3, 4]', '[0, 1, 3, 4.5]'),
        ('[0, 1, 3, 4]', f'[0, 1, 3, 1{"0" * 400}]'),
        ('"waldo"', '"half a character \\ud800"'),
        ('"waldo"', "null"),
        ('"path": "a.png"', '"path": 5'),
        ('"path": "a.png"', '"path": ""'),
        ('"width": 48', '"width": "48"'),
        ('"seconds": 0', '"seconds": null'),
    ],
)  # fmt: skip
def test_a_record_that_cannot_be_ours_is_refused(sound: str, tampered: str, folder: Path) -> None:
    assert read("resume", LINE.encode(), folder)
    assert sound in LINE
    assert not read("resume", LINE.replace(sound, tampered).encode(), folder)


def test_a_record_of_a_label_that_nobody_asked_for_is_not_recalled(tmp_path: Path) -> None:
    from waldo_cli.inputs.items import Item

    (tmp_path / "found.jsonl").write_text(LINE)
    with Journal(str(tmp_path / "found.jsonl")) as journal:
        assert journal.recall(Item("a.png", "a"), "run", ("waldo",), None) is not None
        assert journal.recall(Item("a.png", "a"), "run", ("odlaw",), None) is None


def test_pipes_and_devices_are_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/zero"), tmp_path):
        with pytest.raises((FileError, InvalidInputError)):
            Journal(str(path))
        with pytest.raises((FileError, InvalidInputError)):
            read_truth(path, tmp_path)
