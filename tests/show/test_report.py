"""The page of --report: whole, safe, sorted and filtered in a browser."""

from __future__ import annotations

import re
import resource
import shutil
import signal
import subprocess
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from folders import command, draw_folder, run

from waldo_cli.answers.record import Pictures, Record
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


def test_a_page_of_many_images_stays_small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten thousand rows, of which as many have pictures as there is room for."""
    monkeypatch.chdir(tmp_path)
    pictures = Pictures(b"p" * 9_000, b"f" * 9_000, b"h" * 9_000)
    one = Record("a.png", "run", (), 40, 30, heatmap="out/a.heatmap.png", pictures=pictures)
    with Report("all.html", LeftOut()) as report:
        for n in range(10_000):
            report.add(replace(one, path=f"photos/{n}.png"))
    text = (tmp_path / "all.html").read_text()
    assert len(text) < 60_000_000
    rows = text.count("<tr class=")
    assert rows == 10_000
    with_pictures = text.count("<img") // 3
    assert with_pictures > 1_000
    assert f"the last {rows - with_pictures} without pictures" in text
    assert text.count('<a href="out/a.heatmap.png">heatmap</a>') == rows - with_pictures
