"""Files of several pictures by the program as people run it: a record for each page, none lost."""

from __future__ import annotations

import csv
import io
import json
import signal
import struct
import subprocess
import sys
import time
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from documents import ANIMATIONS, DOCUMENTS, archive, document, pdf_of
from folders import command, draw, records, run
from imagefiles import PNG_SIGNATURE, chunk, encoded
from PIL import Image

from waldo_cli import detect, load_image

PAGES = 7  # of the files below; the needle is on all but pages 1, 4 and 7
FOUND = [2, 3, 5, 6]


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> list[Image.Image]:
    folder = tmp_path_factory.mktemp("pages")
    for n in range(PAGES):
        draw(folder / f"{n}.png", n, found=n % 3 != 0)
    return [Image.open(folder / f"{n}.png").copy() for n in range(PAGES)]


def write(place: Path, pictures: list[Image.Image], *kinds: str) -> None:
    for kind in kinds:
        (place / f"book.{kind}").write_bytes(document(kind, pictures))


@pytest.fixture
def single(place: Path, pictures: list[Image.Image]) -> list[dict[str, Any]]:
    """Records of the pages as files of their own."""
    for n, picture in enumerate(pictures, 1):
        picture.save(place / f"single{n}.png")
    names = [f"single{n}.png" for n in range(1, PAGES + 1)]
    ended = run(place, *names, "-f", "jsonl", "--no-heatmap", "-j", 1)
    return records(ended.stdout)


@pytest.mark.parametrize(
    ("kind", "jobs"),
    [
        *[(kind, 1) for kind in (*DOCUMENTS, *ANIMATIONS, "stream")],
        ("pdf", 2),
        ("gif", 2),
        ("stream", 2),
    ],
)
def test_every_page_is_an_image_of_its_own(
    kind: str, jobs: int, place: Path, pictures: list[Image.Image], single: list[dict[str, Any]]
) -> None:
    pytest.importorskip("pypdfium2", reason="PDF needs pypdfium2")
    write(place, pictures, kind)
    stream = (place / f"book.{kind}").read_bytes() if kind == "stream" else None
    name = "-" if stream else f"book.{kind}"
    stem = "stdin" if stream else "book"
    ended = run(place, name, "--pages", "all", "-f", "jsonl", "-o", "out", "-j", jobs, stdin=stream)
    assert (ended.returncode, ended.stderr) == (0, b"")
    got = records(ended.stdout)
    assert [r["page"] for r in got] == list(range(1, PAGES + 1))
    for page, alone in zip(got, single, strict=True):
        assert page["path"] == name
        assert (page["width"], page["height"]) == (alone["width"], alone["height"])
        assert page["heatmap"] == f"out/{stem}.page-{page['page']}.heatmap.png"
        assert (place / page["heatmap"]).exists()
        tolerance = {"gif": 0.05, "avif": 0.001}.get(kind, 0)  # noise in 256 colours, or in YCbCr
        for mine, theirs in zip(page["detections"], alone["detections"], strict=True):
            assert mine["score"] == pytest.approx(theirs["score"], abs=tolerance)
            assert (mine["x"], mine["y"]) == pytest.approx((theirs["x"], theirs["y"]), abs=0.2)


def test_by_default_all_pages_of_documents_and_first_frames(
    place: Path, pictures: list[Image.Image]
) -> None:
    pytest.importorskip("pypdfium2", reason="PDF needs pypdfium2")
    (place / "books").mkdir()
    write(place / "books", pictures, *DOCUMENTS, *ANIMATIONS)
    ended = run(place, "books", "-f", "jsonl", "--no-heatmap")
    counts = dict.fromkeys(DOCUMENTS, PAGES) | dict.fromkeys(ANIMATIONS, 1)
    got = records(ended.stdout)
    assert {k: sum(r["path"].endswith(k) for r in got) for k in counts} == counts
    assert ended.stderr == b"waldo: 24 frames of 4 animations not looked at (--pages all)\n"
    assert run(place, "books", "-q").stderr == b""
    ended = run(
        place, "books", "--no-heatmap", "-f", "jsonl", "--pages", "1", "--report", "all.html"
    )
    assert ended.stderr == b"", "what was asked for was looked at"
    assert {r["page"] for r in records(ended.stdout)} == {1}
    report = (place / "all.html").read_text()
    assert "books/book.pdf, page 1" in report
    assert 'href="books/book.pdf#page=1"' in report


@pytest.mark.parametrize("kind", ["gif", "mpo"])
def test_frames_on_standard_input_are_told_once_or_looked_at(
    kind: str, place: Path, pictures: list[Image.Image]
) -> None:
    data = document(kind, pictures[:2])
    ended = run(place, "-", "--no-heatmap", "-f", "jsonl", stdin=data)
    assert len(records(ended.stdout)) == 1
    what = "1 further picture in 1 file" if kind == "mpo" else "1 frame of 1 animation"
    assert ended.stderr.decode() == f"waldo: {what} not looked at (--pages all)\n"
    ended = run(place, "-", "--no-heatmap", "-f", "jsonl", "--pages", "all", stdin=data)
    assert (len(records(ended.stdout)), ended.stderr) == (2, b"")


@pytest.mark.parametrize("pages", [1, 2])
def test_pages_of_a_picture_in_an_archive_are_told(
    pages: int, place: Path, pictures: list[Image.Image]
) -> None:
    """Also where the archive has no other picture."""
    inner = {f"{n}.tif": document("tif", pictures[:3]) for n in range(pages)}
    (place / "book.zip").write_bytes(archive(inner))
    ended = run(place, "book.zip", "--no-heatmap", "-f", "jsonl")
    assert len(records(ended.stdout)) == pages
    others = "1 other" if pages == 1 else f"{pages} others"
    assert ended.stderr.decode() == f"waldo: {2 * pages} pictures inside {others} not looked at\n"


def test_what_of_a_mask_is_not_looked_for_is_told(place: Path, pictures: list[Image.Image]) -> None:
    write(place, pictures[:2], "gif")
    ended = run(place, "photos/page001.png", "--no-heatmap", "--mask", "book.gif")
    assert ended.stderr == b"waldo: --mask: 1 frame of 1 animation not looked at\n"


def test_pages_are_chosen_and_a_page_that_is_not_there_is_a_line(
    place: Path, pictures: list[Image.Image]
) -> None:
    write(place, pictures, "tif", "gif")
    names = ("book.tif", "book.gif", "photos/page001.png")
    ended = run(place, *names, "--pages", "6-,2,3", "--no-heatmap", "-f", "jsonl")
    assert ended.returncode == 2
    pages = [(r["path"], r.get("page")) for r in records(ended.stdout)]
    assert pages == [
        *[(name, page) for name in names[:2] for page in (2, 3, 6, 7)],
        (names[2], None), (names[2], None),
    ]  # fmt: skip
    assert ended.stderr.decode().splitlines() == [
        f"waldo: {names[2]}: no page {n}: the file has 1" for n in (2, 6)
    ]
    stream = document("stream", pictures)
    ended = run(place, "-", "--pages", "2,9", "--no-heatmap", "-f", "jsonl", stdin=stream)
    assert [r.get("page") for r in records(ended.stdout)] == [2, None]
    assert ended.stderr == b"waldo: -: no page 9: the file has 7\n"


@pytest.mark.parametrize("wrong", ["0", "3-2", "x", "", "1,,2", "-3", "1-2-3", "1234567"])
def test_what_is_no_list_of_pages_is_a_usage_error(wrong: str, place: Path) -> None:
    ended = run(place, "photos", "--pages", wrong)
    assert (ended.returncode, ended.stdout) == (2, b"")
    assert b"is no list of pages, such as 1,3-5, 7- or all" in ended.stderr


def test_the_page_is_a_column_where_it_is_asked_for(
    place: Path, pictures: list[Image.Image]
) -> None:
    write(place, pictures, "tif")
    names = ("book.tif", "photos/page001.png")
    plain = run(place, *names, "--no-heatmap").stdout.decode().splitlines()
    paged = run(place, *names, "--no-heatmap", "-n").stdout.decode().splitlines()
    assert [line.rpartition("\t")[0] for line in paged] == plain
    assert [line.split("\t")[9] for line in paged] == [*map(str, FOUND), "1"]
    ended = run(place, *names, "--no-heatmap", "-f", "csv", "--page-number")
    rows = list(csv.DictReader(io.StringIO(ended.stdout.decode())))
    assert [row["page"] for row in rows] == [*map(str, FOUND), "1"]
    ended = run(place, *names, "-n", "-f", "jsonl")
    assert (ended.returncode, ended.stdout) == (2, b"")
    assert b"--page-number goes with tsv and csv" in ended.stderr


def test_exports_know_pages(place: Path, pictures: list[Image.Image]) -> None:
    write(place, pictures, "tif")
    coco = json.loads(run(place, "book.tif", "--no-heatmap", "-f", "coco").stdout)
    assert [(i["file_name"], i["page"]) for i in coco["images"]] == [
        ("book.tif", n) for n in range(1, PAGES + 1)
    ]
    assert [a["image_id"] for a in coco["annotations"]] == FOUND
    for form, ending, mark in (
        ("yolo", "txt", "0 "), ("voc", "xml", "<page>3</page>"), ("labelme", "json", '"page": 3'),
    ):  # fmt: skip
        ended = run(place, "book.tif", "--no-heatmap", "-f", form, "-o", form)
        assert ended.stdout.decode().splitlines()[2] == f"{form}/book.page-3.{ending}"
        assert mark in (place / form / f"book.page-3.{ending}").read_text()


def test_shards_share_the_pages_of_a_file(place: Path, pictures: list[Image.Image]) -> None:
    write(place, pictures, "tif", "gif")
    names = ("book.tif", "book.gif", "photos/page001.png", "photos/page003.png")
    whole = records(run(place, *names, "-f", "jsonl", "-o", "out").stdout)
    parts = [
        records(run(place, *names, "-f", "jsonl", "-o", "out", "--shard", f"{i}/3").stdout)
        for i in (1, 2, 3)
    ]
    assert sorted(chain(*parts), key=str) == sorted(whole, key=str)
    assert all(any(r["path"] == "book.tif" for r in part) for part in parts)


def test_names_of_pages_and_of_files_do_not_meet(place: Path, pictures: list[Image.Image]) -> None:
    write(place, pictures, "tif")
    pictures[1].save(place / "book.page-2.png")
    ended = run(place, "book.tif", "book.page-2.png", "-f", "jsonl", "-o", "out")
    heatmaps = [r["heatmap"] for r in records(ended.stdout)]
    assert heatmaps[1] == "out/book.tif.page-2.heatmap.png"
    assert heatmaps[-1] == "out/book.page-2.heatmap.png"
    assert len(set(heatmaps)) == PAGES + 1


@pytest.mark.parametrize(("kind", "jobs"), [("tif", 1), ("pdf", 2), ("cbz", 2)])
def test_a_book_goes_on_after_sigkill_in_the_middle(
    kind: str, jobs: int, place: Path, pictures: list[Image.Image]
) -> None:
    pytest.importorskip("pypdfium2", reason="PDF needs pypdfium2")
    write(place, pictures * 4, kind)
    args = (f"book.{kind}", "-o", "out", "-f", "jsonl", "--resume", "done.jsonl", "-j", jobs)
    whole = records(run(place, *args[:5], "-o", "undisturbed").stdout)
    with subprocess.Popen(command(*args), cwd=place, stdout=-1, stderr=-1) as program:
        deadline = time.monotonic() + 60
        done = place / "done.jsonl"
        while not done.exists() or done.read_bytes().count(b"\n") < 5:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        program.send_signal(signal.SIGKILL)
        program.communicate()
    before = done.read_bytes().count(b"\n")
    assert before < len(whole), "it was killed in the middle"
    ended = run(place, *args)
    assert (ended.returncode, ended.stderr) == (0, b"")
    got = records(ended.stdout)
    for mine, theirs in zip(got, whole, strict=True):
        assert mine | {"heatmap": ""} == theirs | {"heatmap": ""}
    assert done.read_bytes().count(b"\n") == len(whole), "no page was looked at twice"
    assert run(place, *args).stdout.count(b"\n") == len(whole)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="no /proc here")
@pytest.mark.parametrize("kind", DOCUMENTS)
def test_a_page_of_a_book_takes_the_memory_of_a_page(
    kind: str, place: Path, tmp_path: Path
) -> None:
    pytest.importorskip("pypdfium2", reason="PDF needs pypdfium2")
    noise = np.random.default_rng(0).integers(0, 256, (600, 800, 3), np.uint8)
    pages = [Image.fromarray(np.roll(noise, n, 0)) for n in range(20)]  # 29 MB

    def peak(count: int) -> int:
        write(place, pages[:count], kind)
        # Not ru_maxrss: in it Linux counts what the process that started this one held, too.
        code = (
            "import re, sys; from waldo_cli.__main__ import main\n"
            "try: main(sys.argv[1:])\n"
            "finally: status = open('/proc/self/status').read();"
            " print(re.search(r'VmHWM:\\s+(\\d+)', status)[1], file=sys.stderr)"
        )
        # Pages are read whole, and searched in a corner.
        args = command(f"book.{kind}", "--no-heatmap", "-j", 1, "--region", "0,0,30,30")[3:]
        program = [command()[0], "-c", code, *args, "--threshold", "0.9"]
        ended = subprocess.run(program, cwd=place, capture_output=True, check=False)
        assert ended.returncode == 1, ended.stderr
        return int(ended.stderr.split()[-1])

    assert peak(20) - peak(4) < 12_000, "kB"


# --- what strangers send --------------------------------------------------------------------------


def strange(pictures: list[Image.Image]) -> dict[str, tuple[bytes, str]]:
    """Files of several pictures that are not as they should be, and what is said of them."""
    page = encoded(pictures[1].copy(), "PNG")
    whole = archive({"1.png": page, "2.png": page})
    wide = PNG_SIGNATURE + chunk(b"IHDR", struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0))
    claims = archive({"1.png": page}, 0)
    where = claims.rfind(b"PK\1\2") + 24  # the size that the table of contents claims

    def claiming(size: int) -> bytes:
        return claims[:where] + size.to_bytes(4, "little") + claims[where + 4 :]

    encrypted = bytearray(whole)
    for signature, offset in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        encrypted[encrypted.find(signature) + offset] |= 1
    catalogue = [b"<</Type/Catalog/Pages 2 0 R>>"]
    locked = b"/ID[<00><00>]/Encrypt<</Filter/Standard/V 1/R 2/P -4/O<%b>/U<%b>>>" % (
        (b"00" * 32,) * 2
    )
    empty = [*catalogue, b"<</Type/Pages/Count 1/Kids[3 0 R]>>"]
    return {
        "nested.zip": (archive({"1.png": whole}), "1.png: an archive inside an archive is not opened"),
        "longer.zip": (claiming(len(page) + 1), "1.png: damaged archive"),
        "shorter.zip": (claiming(len(page) - 1), "1.png: damaged archive"),
        "huge.zip": (claiming(1 << 30), "1.png: it claims 1073741824 bytes; at most 256 MiB are unpacked"),
        "bomb.zip": (claiming(100 << 20), "as in a decompression bomb"),
        "up.zip": (archive({"../../up.png": page}), "../../up.png: its name leads out of the arch"),
        "root.zip": (archive({"/up.png": page}), "/up.png: its name leads out"),
        "encrypted.zip": (bytes(encrypted), "1.png: it is encrypted"),
        "lzma.zip": (archive({"1.png": page}, 14), "1.png: it is packed in a way that is not opened"),
        "cut.zip": (whole[:-30], "damaged archive: its table of contents cannot be read"),
        "empty.zip": (archive({}), "an archive without pictures"),
        "texts.zip": (archive({"a.txt": b"x"}), "an archive without pictures"),
        "book.epub": (
            archive({"mimetype": b"x", "META-INF/container.xml": b"x"}),
            "an e-book (EPUB: a PDF or CBZ of it is looked into) without pictures",
        ),
        "large.zip": (archive({"1.png": wide}), "too large: 30000x30000"),
        "locked.pdf": (pdf_of([*empty, b"<</Type/Page/MediaBox[0 0 9 9]>>"], locked), "encrypted PDF"),
        "cut.pdf": (document("pdf", pictures)[:300], "damaged PDF"),
        "none.pdf": (b"%PDF-1.7\n%%EOF\n", "damaged PDF"),
        "million.pdf": (
            pdf_of([*catalogue, b"<</Type/Pages/Count 1000000/Kids[]>>"]),
            "--pages 1-10000 takes a part",
        ),
    }  # fmt: skip


def test_what_strangers_send_is_a_line_each_and_nothing_is_written_elsewhere(
    place: Path, pictures: list[Image.Image]
) -> None:
    pytest.importorskip("pypdfium2", reason="PDF needs pypdfium2")
    files = strange(pictures)
    inner = place / "deep" / "er"
    inner.mkdir(parents=True)
    (place / "needle.png").rename(inner / "needle.png")
    for name, (data, _) in files.items():
        (inner / name).write_bytes(data)
    before = set(place.rglob("*"))
    ended = run(inner, *files, "-o", "out", "-j", 2, "-f", "jsonl")
    assert ended.returncode == 2
    said = ended.stderr.decode().splitlines()
    for name, (_, reason) in files.items():
        lines = [line for line in said if line.startswith(f"waldo: {name}: ")]
        assert any(reason in line for line in lines), (name, lines)
        assert len(lines) <= 2, name
    new = set(place.rglob("*")) - before
    # The whole second page of the archive whose first is encrypted.
    assert new <= {inner / "out", inner / "out" / "encrypted.page-2.heatmap.png"}


def test_a_page_as_large_as_a_house_is_drawn_small(place: Path) -> None:
    pytest.importorskip("pypdfium2", reason="PDF needs pypdfium2")
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Count 2/Kids[3 0 R 4 0 R]>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 14400 7200]/UserUnit 100>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 1000 100000]>>",
    ]
    (place / "house.pdf").write_bytes(pdf_of(objects))
    ended = run(place, "house.pdf", "--no-heatmap", "-f", "jsonl")
    assert [(r["width"], r["height"]) for r in records(ended.stdout)] == [(2000, 1000), (20, 2000)]


def test_without_its_package_a_pdf_is_a_line_that_names_it(
    place: Path, pictures: list[Image.Image]
) -> None:
    write(place / "photos", pictures, "pdf")
    hidden = place / "hidden"
    (hidden / "pypdfium2").mkdir(parents=True)
    (hidden / "pypdfium2" / "__init__.py").write_text("raise ImportError('hidden')\n")
    alone = {"PYTHONPATH": str(hidden)}
    args = command("photos/book.pdf")
    ended = subprocess.run(args, cwd=place, env=alone, capture_output=True, check=False)
    assert ended.stderr == (
        b"waldo: photos/book.pdf: a PDF needs pypdfium2: pip install 'waldo-cli[pdf]'\n"
    )


@pytest.mark.parametrize("kind", [*DOCUMENTS, *ANIMATIONS, "JPEG in a PDF"])
def test_waldo_is_found_alike_whatever_file_his_page_is_in(kind: str, tmp_path: Path) -> None:
    pytest.importorskip("pypdfium2", reason="PDF needs pypdfium2")
    scene = Image.open(Path(__file__).parents[2] / "sample_images" / "beach.png").convert("RGB")
    page = scene.crop((400, 250, 700, 500))
    alone_as, options = ("JPEG", {"quality": 95}) if kind == "JPEG in a PDF" else ("PNG", {})
    page.copy().save(tmp_path / "alone", alone_as, **options)
    pages = [Image.new("RGB", page.size, "white"), page]
    if kind == "JPEG in a PDF":
        more = {"save_all": True, "append_images": [page.copy()], "resolution": 150}
        data = encoded(pages[0], "PDF", **more, **options)
    else:
        data = document(kind, pages)
    (tmp_path / "book").write_bytes(data)
    alone, paged = (
        detect(load_image(tmp_path / name, page=number)).detections[0]
        for name, number in (("alone", 1), ("book", 2))
    )
    assert alone.score > 0.9
    assert (paged.x, paged.y) == pytest.approx((alone.x, alone.y), abs=1)
    assert paged.score == pytest.approx(alone.score, abs=0.02)


# --- truths of pages ------------------------------------------------------------------------------


@pytest.fixture
def crop(tmp_path: Path) -> Path:
    """A piece of the second page of each file in the folder ``books`` beside it, and of a picture alone."""
    (tmp_path / "books").mkdir()
    random = np.random.default_rng(4)
    first, second, alone = (
        Image.fromarray(random.integers(0, 255, (60, 80, 3)).astype(np.uint8)) for _ in range(3)
    )
    alone.paste(second.crop((30, 20, 50, 36)), (5, 9))
    alone.save(tmp_path / "books" / "alone.png")
    for kind in ("tif", "cbz", "pdf"):
        path = tmp_path / "books" / f"{'scan' if kind != 'cbz' else 'comic'}.{kind}"
        path.write_bytes(document(kind, [first, second]))
    second.crop((30, 20, 50, 36)).save(tmp_path / "needle.png")
    return tmp_path / "needle.png"


@pytest.mark.parametrize("form", ["coco", "voc", "labelme", "yolo"])
def test_what_detect_says_of_pages_is_a_truth_of_these_pages(crop: Path, form: str) -> None:
    pytest.importorskip("pypdfium2", reason="PDF needs pypdfium2")
    place = crop.parent
    sought = ["--mask", str(crop), "--scales", "1"]
    ended = run(place, "books", "--no-heatmap", "-f", form, "-o", "truth")
    assert ended.returncode == 0
    if form == "coco":
        (place / "truth").write_bytes(ended.stdout)
    asked = ["evaluate", "books", "--truth", "truth", *sought, "-f", "json"]
    judged = subprocess.run(
        [sys.executable, "-m", "waldo_cli", *asked], cwd=place, capture_output=True, check=False
    )
    assert (judged.returncode, judged.stderr) == (0, b"")
    said = json.loads(judged.stdout)
    # A PDF is drawn larger than its crop is; the others are found where they were.
    names = {page["page"].split("/")[-1]: page["rank"] for page in said["pages"]}
    assert names["scan.tif, page 2"] == names["comic.cbz, page 2"] == names["alone.png"] == 1
    assert names["scan.tif, page 1"] is None
    assert said["top1"] == said["pages_with"]


def test_a_truth_that_does_not_say_which_page_is_told(crop: Path) -> None:
    place = crop.parent
    rows = "filename,class,xmin,ymin,xmax,ymax\n{}scan.tif,needle,30,20,50,36\nalone.png,needle,5,9,25,25\n"
    (place / "truth.csv").write_text(rows.format(""))
    asked = ["evaluate", "books", "--truth", "truth.csv", "--mask", str(crop), "--scales", "1"]
    evaluate = [sys.executable, "-m", "waldo_cli", *asked]
    judged = subprocess.run(evaluate, cwd=place, capture_output=True, check=False)
    assert judged.returncode == 2
    assert (
        b"scan.tif: has 2 pages, and truth.csv does not say which: give its page" in judged.stderr
    )
    assert b"top-1              1 of 1" in judged.stdout
    paged = rows.format("").replace("ymax\n", "ymax,page\n").replace("50,36\n", "50,36,2\n")
    (place / "truth.csv").write_text(paged.replace("25,25\n", "25,25,\n"))
    judged = subprocess.run(evaluate, cwd=place, capture_output=True, check=False)
    assert judged.returncode == 0
    assert b"top-1              2 of 2" in judged.stdout


def test_all_pages_of_a_file_without_it_are_judged(crop: Path) -> None:
    place = crop.parent
    (place / "truth.csv").write_text(
        "filename,class,xmin,ymin,xmax,ymax\nalone.png,needle,5,9,25,25\n"
    )
    asked = ["evaluate", "books", "--truth", "truth.csv", "--mask", str(crop), "--scales", "1"]
    judged = subprocess.run(
        [sys.executable, "-m", "waldo_cli", *asked, "--unlisted", "-f", "json"],
        cwd=place, capture_output=True, check=False,
    )  # fmt: skip
    said = json.loads(judged.stdout)
    assert said["pages_without"] == 6
    assert said["alarmed_pages_without"] >= 2, "the second pages show it, but are not listed"


@pytest.mark.parametrize("kind", ["tif", "cbz", "stream"])
def test_all_pages_of_a_mask_are_pictures_of_one_thing(crop: Path, kind: str) -> None:
    place = crop.parent
    other = Image.fromarray(np.random.default_rng(5).integers(0, 255, (16, 20, 3)).astype(np.uint8))
    several = document(kind, [other, Image.open(crop)])
    (place / f"both.{kind}").write_bytes(several)
    asked = ["--mask", "both=-" if kind == "stream" else f"both.{kind}", "--scales", "1"]
    ended = subprocess.run(
        [sys.executable, "-m", "waldo_cli", "detect", "books/alone.png", *asked, "--no-heatmap"],
        cwd=place, capture_output=True, input=several, check=False,
    )  # fmt: skip
    assert (ended.returncode, ended.stderr) == (0, b"")
    assert ended.stdout.split(b"\t")[4:7] == [b"both", b"5", b"9"]
