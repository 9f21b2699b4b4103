"""The page of --report: whole, safe, sorted and filtered in a browser."""

from __future__ import annotations

import io
import re
import resource
import signal
import subprocess
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from browser import BEYOND, CONTRASTS, browser
from folders import command, draw_folder, run
from PIL import Image

from waldo_cli.answers.record import Pictures, Record
from waldo_cli.geometry import Box, Detection
from waldo_cli.inputs.leftout import LeftOut
from waldo_cli.show.report import Report

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
        if tag == "li":
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

    def page() -> str:
        run(place, *args)
        return re.sub(r"(?<=<dt>Date</dt><dd>)[^<]+", "", (place / "out.html").read_text())

    assert page() == page()


def test_the_page_is_written_over_nothing_but_a_page(place: Path) -> None:
    ended = run(place, "photos", "--report", "photos/page001.png")
    assert (ended.returncode, ended.stdout) == (2, b"")
    assert b"name it FILE.html" in ended.stderr


@pytest.mark.parametrize(
    "blocks", [0, 1, 20]
)  # of 1024 bytes: less than the head of the page, and more
def test_a_full_disk_leaves_no_half_a_page(place: Path, blocks: int) -> None:
    """A limit on the size of files stands in for the disk; records are in a pipe and have none."""
    ended = subprocess.run(
        ["bash", "-c", f'ulimit -f {blocks}; exec "$@"', "bash",
         *command("photos", "-r", "-j", "1", "--no-heatmap", "--report", "out.html")],
        cwd=place, capture_output=True, timeout=60, check=False,
    )  # fmt: skip
    assert ended.returncode == 2
    lines = ended.stderr.splitlines()
    assert lines[-1].lower() == b"waldo: out.html: cannot write: file too large"
    assert all(line.startswith(b"waldo: ") for line in lines)
    assert not [p for p in place.iterdir() if "html" in p.name or p.name.endswith(".tmp")]


def test_what_was_asked_and_all_finds_are_in_the_page(place: Path) -> None:
    ended = run(
        place, "photos", "-r", "-o", "out", "--report", "out.html", "--top", 3, "--threshold", -1
    )
    assert ended.returncode == 2
    text = (place / "out.html").read_text()
    page = Page(text)
    head = page.text[: page.text.index("page001.png")]
    for said in (
        "Looked for",
        "a score of at least -1",
        "--top 3 --threshold -1",
    ):
        assert said in head
    assert re.search(r"Date\W*20\d\d-\d\d-\d\d \d\d:", head)
    finds = [line.split("\t") for line in ended.stdout.decode().splitlines()]
    assert len(finds) == 3 * COUNT
    for _, x, y, score, label, *_, width, height in finds:
        row = f"<td>{label}</td><td>{float(score):.4f}</td><td>{x}, {y}</td><td>{width} × {height}</td>"
        assert row in text
    # Two pictures of each image have the boxes of all finds over them, that of the best on top.
    assert text.count("<svg") == 2 * COUNT
    assert text.count("<rect") == 2 * len(finds)
    for drawn in re.findall(r"<svg.*?</svg>", text):
        assert re.findall(r"<rect( class=.first.)?", drawn) == ["", "", ' class="first"']


FOUND = Record("a.png", "run", (), 400, 300, margin=0.5, pictures=Pictures(b"p", b"f", b"h"))


def reported(tmp_path: Path, *records: Record) -> str:
    with Report(str(tmp_path / "all.html"), LeftOut(), {"Looked for": "<b>"}) as report:
        for record in records:
            report.add(record)
    return (tmp_path / "all.html").read_text()


def test_turned_finds_and_pages_are_told_as_they_lie(tmp_path: Path) -> None:
    corners = ((100.0, 80.0), (160.0, 90.0), (150.0, 140.0), (90.0, 130.0))
    box = Box(90, 80, 70, 60)
    turned = Detection("key", 125.0, 110.0, 0.9, box, 1.0, -70.0, True, corners, 0.001)
    tiny = Detection("dot", 10.0, 10.0, 0.8, Box(9, 9, 2, 2), 1.0, chance=0.001)
    text = reported(tmp_path, replace(FOUND, detections=(turned, tiny), page=3, turned=90))
    shown = Page(text).text
    assert "a.png, page 3" in shown
    assert "searched turned by 90 degrees clockwise" in shown
    assert "&lt;b&gt;" in text
    assert "-70°, mirrored" in shown
    assert text.count("100,80 160,90 150,140 90,130") == 2
    # What is too small to be seen in the picture of the whole image has a larger frame around it.
    frames = re.findall(r"<rect x='([^']+)' y='[^']+' width='([^']+)'", text)
    assert [float(v) for v in frames[0]] == pytest.approx(
        [10 - 400 * 8 / 220 / 2, 400 * 8 / 220], rel=1e-3
    )
    assert frames[1] == ("9", "2")


def test_an_image_without_a_find_tells_the_best_place(tmp_path: Path) -> None:
    best = Detection("<i>", 12.5, 20.0, 0.25, Box(2, 2, 20, 20), 1.0)
    text = reported(tmp_path, replace(FOUND, best=best, pictures=None))
    assert "nothing found, best is &lt;i&gt; at 12.5, 20 with score 0.25" in text
    assert "1 image: 0 with a find, 1 without, 0 failed" in text


def test_a_browser_sorts_filters_and_follows_the_keys(place: Path) -> None:
    run(place, "photos", "-r", "-o", "out", "--report", "out.html", "--threshold", "-1")
    scores = """[...document.querySelectorAll("li")].map(r => r.dataset.score)"""

    def choose(name: str, value: str) -> None:
        page.run(f"{name}.value = {value!r}; {name}.dispatchEvent(new Event('change'))")

    with browser(place / "profile") as page:
        page.show(place / "out.html")
        choose("order", "score")
        down = page.run(scores)
        assert down.pop() == ""
        assert len(down) == COUNT
        assert [float(s) for s in down] == sorted(map(float, down), reverse=True)
        choose("order", "-score")
        assert page.run(scores)[:-1] == down[::-1]
        choose("order", "order")
        for key in ("ArrowDown", "ArrowDown", "ArrowUp", "ArrowDown"):
            page.press(key)
        at = "[...document.querySelectorAll('li')].indexOf(document.activeElement)"
        assert page.run(at) == 1
        page.press("Tab")
        assert page.run("document.activeElement.matches('li:nth-child(2) h2 a')")
        choose("only", "failed")
        seen = "[...document.querySelectorAll('li')].filter(r => r.getClientRects().length).length"
        assert page.run(seen) == 1


def test_the_page_fits_a_phone_and_follows_the_colour_scheme(place: Path) -> None:
    (place / "photos" / ("long" * 30 + ".png")).write_bytes(b"")
    run(place, "photos", "-r", "-o", "out", "--report", "out.html", "--threshold", -1, "--top", 9)
    with browser(place / "profile") as page:
        backgrounds = set()
        for dark in (False, True):
            for width in (390, 1280):
                page.show(place / "out.html", width=width, dark=dark)
                page.run("document.querySelectorAll('details').forEach(d => d.open = true)")
                assert page.run(BEYOND) == []
                assert page.run("document.documentElement.scrollWidth") <= width
            assert {k: v for k, v in page.run(CONTRASTS).items() if v < 4.5} == {}
            backgrounds.add(page.run("getComputedStyle(document.body).backgroundColor"))
        assert len(backgrounds) == 2
        # All of it in sight: Chromium tells a reader of the rest when they come to it.
        page.show(place / "out.html", height=9000)
        page.run("document.querySelectorAll('details').forEach(d => d.open = true)")
        told = page.tree()
    names = [name for role, name in told if role == "heading"]
    assert names[0] == "What was found"
    assert len(names) == 1 + COUNT + 2
    roles = {role for role, _ in told}
    assert {"banner", "main", "contentinfo", "form", "list", "table", "columnheader"} <= roles
    assert [name for role, name in told if role == "combobox"] == ["Show", "Order"]
    assert all(name for role, name in told if role in ("image", "link", "img"))


def test_a_report_that_cannot_be_written_costs_no_image(place: Path) -> None:
    """A limit on the size of files stands for a full disk."""

    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, 30_000))

    ended = run(
        place, "photos", "-r", "-j", 1, "--no-heatmap", "--report", "all.html", preexec_fn=limit
    )
    assert ended.returncode == 2
    bad, whole_page = ended.stderr.splitlines()
    assert bad.endswith(b"the file is empty")
    assert whole_page.startswith(b"waldo: all.html: cannot write: ")
    assert len(ended.stdout.splitlines()) == len(
        run(place, "photos", "-r", "-o", "o").stdout.splitlines()
    )
    assert not [p for p in place.iterdir() if p.suffix in (".html", ".tmp")]


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page of ten thousand images, each with seventeen finds and pictures as large as any."""
    noise = np.random.default_rng(0).integers(0, 256, (150, 220, 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(noise).save(file, "JPEG", quality=40)
    data = file.getvalue()
    assert len(data) > 8_000
    place = Box(10, 10, 20, 20)
    finds = tuple(Detection("trash", 20.0, 20.0, 0.9 - n / 100, place, 1.0) for n in range(17))
    pictures = Pictures(data, data, data)
    one = Record("a.png", "run", finds, 400, 300, heatmap="out/a.heatmap.png", pictures=pictures)
    path = tmp_path_factory.mktemp("many") / "all.html"
    with Report(str(path), LeftOut(), {}) as report:
        for n in range(10_000):
            report.add(replace(one, path=f"photos/{n}.png"))
    return path


def test_a_page_of_many_images_stays_small(many: Path) -> None:
    """Ten thousand images: the first with all that there is, the others with less, and the sum says so."""
    text = many.read_text()
    assert len(text.encode()) < 60_000_000
    entries = re.split("(?=<li )", text)[1:]
    assert len(entries) == 10_000
    pictures = [e.count("<img") for e in entries]
    assert pictures == sorted(pictures, reverse=True)
    assert set(pictures) == {3, 1}
    assert f"the last {pictures.count(1)} with a small picture or none" in text
    listed = [e.count("<td>trash") for e in entries]
    assert listed == sorted(listed, reverse=True)
    assert set(listed) == {17, 1}
    assert all(("and 16 finds more" in e) is (n == 1) for e, n in zip(entries, listed, strict=True))


def test_ten_thousand_images_open_and_scroll(many: Path, tmp_path: Path) -> None:
    """They open since what is out of sight is not laid out: that is asked, not how long it takes."""
    drawn = """[1, 5000, 10000].map(n => document.querySelector(`li:nth-child(${n}) h2`)
                 .checkVisibility({contentVisibilityAuto: true}))"""
    with browser(tmp_path / "profile") as page:
        page.show(many)
        assert page.run("document.querySelectorAll('li').length") == 10_000
        assert page.run(drawn) == [True, False, False]
        assert page.run("document.body.scrollHeight") > 1_000_000
        page.run("scrollTo(0, document.body.scrollHeight)")
        page.run("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
        assert page.run(drawn) == [False, False, True]
