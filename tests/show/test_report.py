"""What a person looks at: the page in a browser, and what a terminal shows beside the records."""

from __future__ import annotations

import os
import pty
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pytest
from folders import command, draw_folder, run

COUNT = 6


@pytest.fixture
def place(tmp_path: Path) -> Path:
    draw_folder(tmp_path / "photos", COUNT)
    (tmp_path / "photos" / "<b>bad & 'ugly'.png").write_bytes(b"")
    return tmp_path


class Page(HTMLParser):
    """Rows, pictures, links and open tags of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.rows: list[str] = []
        self.images: list[str] = []
        self.links: list[str] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "tr" and "class" in given:
            self.rows.append(given["class"] or "")
        if tag == "img":
            self.images.append(given["src"] or "")
            assert given["alt"], "every picture says what it is"
        if tag == "a":
            self.links.append(given["href"] or "")

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_holds_every_image_and_leans_on_nothing_outside(place: Path) -> None:
    ended = run(place, "photos", "-r", "-o", "out", "--report", "out.html", "-j", 2)
    assert ended.returncode == 2
    text = (place / "out.html").read_text()
    page = Page(text)
    assert sorted(page.rows) == ["failed"] + ["found"] * 4 + ["nothing"] * 2
    assert len(page.images) == 3 * COUNT - 2
    assert all(source.startswith("data:image/jpeg;base64,") for source in page.images)
    assert "<b>bad & 'ugly'.png" in page.text
    assert "the file is empty" in page.text
    assert "7 images: 4 with a find, 2 without, 1 failed" in page.text
    assert "photos/deeper/page002.png" in page.links
    assert "out/deeper/page002.heatmap.png" in page.links
    assert not re.search(r"""(src|href)=["']?(https?:)?//""", text)


def test_a_resumed_run_has_all_its_pictures_in_the_page(place: Path) -> None:
    args = ("photos", "-r", "-o", "out", "--resume", "found.jsonl", "--report", "out.html")
    run(place, *args)
    first = (place / "out.html").read_bytes()
    run(place, *args)
    assert (place / "out.html").read_bytes() == first


def test_the_page_is_written_over_nothing_but_a_page(place: Path) -> None:
    ended = run(place, "photos", "--report", "photos/page001.png")
    assert (ended.returncode, ended.stdout) == (2, b"")
    assert b"name it FILE.html" in ended.stderr


def test_a_full_disk_leaves_no_half_a_page(place: Path) -> None:
    """A limit on the size of files stands in for the disk; records are in a pipe and have none."""
    ended = subprocess.run(
        ["bash", "-c", 'ulimit -f 20; exec "$@"', "bash",
         *command("photos", "-r", "-j", "1", "--no-heatmap", "--report", "out.html")],
        cwd=place, capture_output=True, timeout=60, check=False,
    )  # fmt: skip
    assert ended.returncode == 2
    last = ended.stderr.splitlines()[-1].lower()
    assert last == b"waldo: out.html: cannot write: file too large"
    assert not [p for p in place.iterdir() if "html" in p.name or p.name.endswith(".tmp")]


def test_a_browser_sorts_filters_and_follows_the_keys(place: Path) -> None:
    browser = shutil.which("chromium") or shutil.which("chromium-browser")
    if browser is None:
        pytest.skip("chromium is not installed")
    run(place, "photos", "-r", "-o", "out", "--report", "out.html", "--threshold", "-1")
    trial = """<script>
    const scores = () => [...document.querySelectorAll("tbody tr")].map(r => r.dataset.score);
    const press = key => document.activeElement.dispatchEvent(
      new KeyboardEvent("keydown", {key, bubbles: true, cancelable: true}));
    const say = textContent =>
      document.body.append(Object.assign(document.createElement("pre"), {textContent}));
    document.querySelector("[data-key=score]").click();
    say("DOWN " + scores().join(" "));
    document.querySelector("[data-key=score]").click();
    say("UP " + scores().join(" "));
    document.querySelector("[data-key=order]").click();
    press("ArrowDown"); press("ArrowDown"); press("ArrowUp"); press("ArrowDown");
    say("AT " + document.activeElement.rowIndex);
    const only = document.getElementById("only");
    only.value = "failed"; only.dispatchEvent(new Event("change"));
    say("SEEN " + [...document.querySelectorAll("tbody tr")].filter(r => r.offsetParent).length);
    </script></body>"""
    page = (place / "out.html").read_text().replace("</body>", trial)
    (place / "trial.html").write_text(page)
    ended = subprocess.run(
        [browser, "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom",
         f"--user-data-dir={place / 'profile'}", (place / "trial.html").as_uri()],
        capture_output=True, timeout=120, check=False,
    )  # fmt: skip
    said = dict(re.findall(r"<pre>(\w+) ([^<]*)</pre>", ended.stdout.decode()))
    down = [float(s) for s in said["DOWN"].split()]
    assert len(down) == COUNT
    assert down == sorted(down, reverse=True)
    assert [float(s) for s in said["UP"].split()] == sorted(down)
    assert said["AT"] == "2"
    assert said["SEEN"] == "1"


# --- terminals ------------------------------------------------------------------------------------


def on_a_terminal(
    place: Path, *args: object, records_too: bool = False, **env: str
) -> tuple[int, bytes, bytes]:
    """Status, what went to a pipe, and what went to a terminal."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        command(*args), cwd=place, stdin=subprocess.DEVNULL,
        stdout=theirs if records_too else subprocess.PIPE, stderr=theirs,
        env={**os.environ, "TERM": "xterm", "COLORTERM": "", "NO_COLOR": "", "PYTHONUTF8": "1", **env},
    ) as program:  # fmt: skip
        os.close(theirs)
        shown = b""
        try:
            while chunk := os.read(ours, 1 << 16):
                shown += chunk
        except OSError:  # how Linux says that the other end is closed
            pass
        out = b"" if program.stdout is None else program.stdout.read()
    os.close(ours)
    return program.returncode, out, shown


def test_a_terminal_gets_the_same_records_as_a_pipe(place: Path) -> None:
    piped = run(place, "photos", "-o", "out")
    status, _, shown = on_a_terminal(
        place, "photos", "-o", "out", "--no-progress", records_too=True
    )
    assert status == piped.returncode == 2
    lines = shown.replace(b"\r\n", b"\n").splitlines()
    assert [line for line in lines if line.count(b"\t") == 8] == piped.stdout.splitlines()


def test_progress_and_the_last_line_go_to_the_terminal_alone(place: Path) -> None:
    piped = run(place, "photos", "-r", "-o", "out", "-j", 1)
    status, out, shown = on_a_terminal(place, "photos", "-r", "-o", "out", "-j", 1)
    assert (status, out) == (2, piped.stdout)
    assert b"\x1b" not in piped.stderr
    assert b"7 images in " in shown
    assert b"4 with a find, 2 without, 1 failed" in shown
    assert b"7 images" not in on_a_terminal(place, "photos", "-r", "-o", "out", "-q")[2]


@pytest.mark.parametrize(
    ("env", "mark"),
    [({}, b"\x1b[38;5;"), ({"COLORTERM": "truecolor"}, b"\x1b[38;2;"), ({"NO_COLOR": "1"}, None)],
)  # fmt: skip
def test_a_find_is_drawn_in_the_colours_there_are(
    place: Path, env: dict[str, str], mark: bytes | None
) -> None:
    status, out, shown = on_a_terminal(place, "photos/page001.png", "-o", "out", "--show", **env)
    assert (status, out.count(b"\n")) == (0, 1)
    drawn = shown.replace(b"\r\n", b"\n").splitlines()[1:]
    if mark is None:
        assert b"\x1b" not in shown
        assert len({len(line) for line in drawn}) == 1
    else:
        assert drawn
        assert all(line.count("\u2580".encode()) == 48 for line in drawn)
        assert all(line.count(mark) == 48 and line.endswith(b"\x1b[0m") for line in drawn)


def test_nothing_is_drawn_into_a_pipe(place: Path) -> None:
    plain = run(place, "photos/page001.png", "-o", "out")
    drawn = run(place, "photos/page001.png", "-o", "out", "--show")
    assert (drawn.stdout, drawn.stderr) == (plain.stdout, plain.stderr) == (plain.stdout, b"")
