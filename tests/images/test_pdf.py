"""Pages of PDFs as pictures; what strangers send is in tests/whole/test_documents.py."""

from __future__ import annotations

import io
import sys

import numpy as np
import pytest
from documents import pdf, pdf_of
from imagefiles import noise
from PIL import Image

from waldo_cli.errors import ImageError, MissingExtraError
from waldo_cli.images.load import load_image
from waldo_cli.images.pdf import contents, draw

pytest.importorskip("pypdfium2", reason="PDF needs pypdfium2")


def scan(width: int, height: int) -> Image.Image:
    return Image.fromarray((noise(height, width) * 255).astype(np.uint8))


def drawn(content: bytes, media: str, more: bytes = b"") -> bytes:
    return pdf_of(
        [
            b"<</Type/Catalog/Pages 2 0 R>>",
            b"<</Type/Pages/Count 1/Kids[3 0 R]>>",
            b"<</Type/Page/Parent 2 0 R/MediaBox[%b]/Contents 4 0 R%b>>" % (media.encode(), more),
            b"<</Length %d>>stream\n%b\nendstream" % (len(content), content),
        ]
    )


@pytest.mark.parametrize("dpi", [36, 72, 150, 300, 1200])
def test_a_scan_keeps_its_pixels_whatever_its_resolution(dpi: int) -> None:
    picture = scan(333, 217)
    page = load_image(pdf([picture], points=72 / dpi))
    np.testing.assert_array_equal(page, np.asarray(picture, np.float32) / 255)


def in_forms(picture: Image.Image, points: float, empty: int = 1) -> bytes:
    """A page whose scan, so many points for a pixel, lies in a form in a form, after forms that are empty."""
    width, height = picture.size
    outer = empty * b"q 0.5 0 0 0.5 0 0 cm /E Do Q "
    outer += b"q %f 0 0 %f 0 0 cm /F Do Q" % (points / 2, points / 2)
    inner = b"q 2 0 0 2 0 0 cm /G Do Q"
    image = b"q %d 0 0 %d 0 0 cm /I Do Q" % picture.size
    form = b"<</Type/XObject/Subtype/Form/BBox[0 0 %d %d]%b/Length %d>>stream\n%b\nendstream"
    box = 2 * width, 2 * height
    samples = picture.tobytes()
    return pdf_of(
        [
            b"<</Type/Catalog/Pages 2 0 R>>",
            b"<</Type/Pages/Count 1/Kids[3 0 R]>>",
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 %f %f]/Contents 4 0 R"
            b"/Resources<</XObject<</E 5 0 R/F 6 0 R>>>>>>" % (width * points, height * points),
            b"<</Length %d>>stream\n%b\nendstream" % (len(outer), outer),
            form % (*box, b"", 1, b" "),
            form % (*box, b"/Resources<</XObject<</G 7 0 R>>>>", len(inner), inner),
            form % (*box, b"/Resources<</XObject<</I 8 0 R>>>>", len(image), image),
            b"<</Type/XObject/Subtype/Image/ColorSpace/DeviceRGB/BitsPerComponent 8/Width %d/Height %d"
            b"/Length %d>>stream\n%b\nendstream" % (width, height, len(samples), samples),
        ]
    )


@pytest.mark.parametrize("points", [0.24, 1, 3])
def test_a_scan_inside_forms_keeps_its_pixels(points: float) -> None:
    picture = scan(333, 217)
    page = load_image(in_forms(picture, points))
    np.testing.assert_array_equal(page, np.asarray(picture, np.float32) / 255)


def layers(*images: tuple[Image.Image, str], more: bytes = b"") -> bytes:
    """A page of 300x200 points with images, each where its matrix says, and more content over them."""
    content = b" ".join(b"q %b cm /I%d Do Q" % (m.encode(), n) for n, (_, m) in enumerate(images))
    content += b" " + more
    names = b"".join(b"/I%d %d 0 R" % (n, n + 6) for n in range(len(images)))
    return pdf_of(
        [
            b"<</Type/Catalog/Pages 2 0 R>>",
            b"<</Type/Pages/Count 1/Kids[3 0 R]>>",
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 200]/Contents 4 0 R"
            b"/Resources<</Font<</F 5 0 R>>/XObject<<%b>>>>>>" % names,
            b"<</Length %d>>stream\n%b\nendstream" % (len(content), content),
            b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
            *(
                b"<</Type/XObject/Subtype/Image/ColorSpace/DeviceRGB/BitsPerComponent 8/Width %d"
                b"/Height %d/Length %d>>stream\n%b\nendstream"
                % (*picture.size, len(picture.tobytes()), picture.tobytes())
                for picture, _ in images
            ),
        ]
    )


WHOLE_PAGE = "300 0 0 200 0 0"
HIDDEN_TEXT = b"BT 3 Tr /F 12 Tf 20 20 Td (words that a program has read) Tj ET"


def test_of_a_scan_in_layers_the_finest_keeps_its_pixels() -> None:
    """Scanners store the paper coarsely, and what is printed on it in another image."""
    picture = scan(300, 200)
    page = load_image(layers((scan(60, 40), WHOLE_PAGE), (picture, WHOLE_PAGE), more=HIDDEN_TEXT))
    np.testing.assert_array_equal(page, np.asarray(picture, np.float32) / 255)


def test_a_page_is_not_as_coarse_as_the_background_stretched_over_it() -> None:
    background = (scan(6, 4), WHOLE_PAGE)
    figure = (scan(400, 300), "100 0 0 75 20 30")
    assert load_image(layers(background, figure)).shape == (800, 1200, 3)
    for over in (b"0 0 1 rg 30 30 90 90 re f", b"BT /F 12 Tf 20 20 Td (a slide) Tj ET"):
        assert load_image(layers(background, more=over)).shape == (1333, 2000, 3)
    assert load_image(layers(background, more=HIDDEN_TEXT)).shape == (4, 6, 3)


def test_a_scan_of_many_pixels_is_reduced() -> None:
    page = load_image(pdf([Image.new("RGB", (5000, 3000), "red")], points=0.1))
    assert page.shape == (1500, 2500, 3)
    np.testing.assert_allclose(page[700, 700], [1, 0, 0], atol=0.01)


def test_a_drawn_page_has_2000_pixels_and_its_colours() -> None:
    # The lower left quarter is blue; the rest is paper.
    data = drawn(b"0 0 1 rg 0 0 300 200 re f", "0 0 600 400")
    page = load_image(data)
    assert page.shape == (1333, 2000, 3)
    assert page[1000, 500].tolist() == [0, 0, 1]
    assert page[300, 500].tolist() == page[1000, 1500].tolist() == [1, 1, 1]


def test_a_page_is_turned_and_cropped_as_it_is_shown() -> None:
    data = drawn(b"0 0 1 rg 0 0 300 200 re f", "0 0 600 400", b"/Rotate 90/CropBox[0 0 300 400]")
    page = load_image(data)
    assert page.shape == (1500, 2000, 3)
    assert page[700, 500].tolist() == [0, 0, 1], "the lower left comes to the upper left"
    assert page[700, 1500].tolist() == [1, 1, 1]


def test_a_small_picture_on_a_page_makes_no_scan() -> None:
    data = pdf([scan(20, 20)]).replace(b"[0 0 20.000000 20.000000]", b"[0 0 90.000000 90.000000]")
    assert load_image(data).shape == (2000, 2000, 3)


def test_a_large_picture_inside_a_page_is_refused_before_it_is_unpacked() -> None:
    data = pdf([scan(20, 20)]).replace(b"/Width 20/Height 20", b"/Width 20000/Height 20000")
    with pytest.raises(ImageError, match="too large: 20000x20000"):
        load_image(data)
    for data in (pdf([scan(20, 20)]), in_forms(scan(20, 20), 1, empty=1500)):
        with pytest.raises(ImageError, match="too large: 20x20 = 400 pixels, the limit is 300"):
            load_image(data, max_pixels=300)


def test_pages_are_counted_and_chosen() -> None:
    file = io.BytesIO(pdf([scan(20, 20), scan(30, 20)]))
    assert contents(file) == (2, [])
    assert load_image(file.getvalue(), page=2).shape == (20, 30, 3)
    with pytest.raises(ImageError, match="no page 3: the file has 2"):
        draw(file, 3, None)


def with_attached(names: str) -> bytes:
    """A page, and a file of so many names; only `a.png` has bytes."""
    return pdf_of(
        [
            b"<</Type/Catalog/Pages 2 0 R/Names<</EmbeddedFiles<</Names[%b]>>>>>>" % names.encode(),
            b"<</Type/Pages/Count 1/Kids[3 0 R]>>",
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>",
            b"<</Type/Filespec/F(a.png)/UF(a.png)/EF<</F 5 0 R>>>>",
            b"<</Type/EmbeddedFile/Length 1>>stream\nx\nendstream",
            b"<</Type/Filespec/UF<D800>>>",
        ]
    )


def test_attached_files_are_told_by_their_names() -> None:
    assert contents(io.BytesIO(with_attached("(a.png) 4 0 R"))) == (1, ["a.png"])
    count, names = contents(io.BytesIO(with_attached("(a.png) 4 0 R (b) 6 0 R (c) 9 0 R")))
    assert (count, names[:1]) == (1, ["a.png"])


@pytest.mark.parametrize("before", [b"\xef\xbb\xbf\n", b"\x1b%-12345X@PJL ENTER LANGUAGE=PDF\r\n"])
def test_a_document_may_begin_behind_other_lines(before: bytes) -> None:
    picture = scan(33, 21)
    page = load_image(before + pdf([picture]))
    np.testing.assert_array_equal(page, np.asarray(picture, np.float32) / 255)
    with pytest.raises(ImageError, match="not a picture"):
        load_image(b"about %PDF-1.7")


def test_without_the_package_the_message_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "pypdfium2", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'waldo-cli\[pdf\]'"):
        contents(io.BytesIO(pdf([scan(2, 2)])))
