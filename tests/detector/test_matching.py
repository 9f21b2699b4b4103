"""Masks at any scale and turn: coarse to fine finds what the full search finds, where it lies and how."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from PIL import Image, ImageDraw
from planted import MASK, PAGE, planted, resized
from scipy import ndimage

from waldo_cli import Box, detect
from waldo_cli.detector.passes import Trace
from waldo_cli.errors import InvalidInputError

RNG = np.random.default_rng(11)
SCENE = resized(RNG.random((40, 60, 3), np.float32), 360, 240)
THING = resized(RNG.random((7, 9, 3), np.float32), 54, 42)


def with_thing(angle: float, x: float, y: float, page: np.ndarray = SCENE) -> np.ndarray:
    """A scene with the thing in it, turned counter-clockwise as seen, its centre at x, y."""
    rows, cols = np.mgrid[: page.shape[0], : page.shape[1]] + 0.5
    a = math.radians(angle)
    dx, dy = cols - x, rows - y
    col = dx * math.cos(a) - dy * math.sin(a) + THING.shape[1] / 2 - 0.5
    row = dx * math.sin(a) + dy * math.cos(a) + THING.shape[0] / 2 - 0.5
    inside = (
        (col > -0.5) & (col < THING.shape[1] - 0.5) & (row > -0.5) & (row < THING.shape[0] - 0.5)
    )
    out = page.copy()
    for c in range(3):
        seen = ndimage.map_coordinates(THING[:, :, c], (row, col), order=1, mode="nearest")
        out[:, :, c] = np.where(inside, seen, page[:, :, c])
    return out


@pytest.mark.parametrize("angle", [0.0, 33.0, 90.0, -127.5, 180.0])
def test_a_turned_thing_is_found_with_its_angle(angle: float) -> None:
    image = with_thing(angle, 200.3, 118.6)
    (found,) = detect(image, masks=[THING], scales=1, angles="all").detections
    assert (found.angle - angle + 180) % 360 - 180 == pytest.approx(0, abs=0.2)
    assert (found.x, found.y) == pytest.approx((200.3, 118.6), abs=0.2)
    assert not found.mirrored
    if angle:
        assert found.polygon is not None
        across, _ = zip(*found.polygon, strict=True)
        assert found.box.left == pytest.approx(min(across), abs=1)


def test_several_turned_things_are_all_found() -> None:
    places = [(70.0, 60.0, 20.0), (200.0, 70.0, -75.0), (120.0, 180.0, 140.0)]
    image = SCENE
    for x, y, angle in places:
        image = with_thing(angle, x, y, image)
    found = detect(image, masks=[THING], scales=1, angles="all", top="all").detections
    assert len(found) == 3
    for x, y, angle in places:
        (here,) = [d for d in found if math.hypot(d.x - x, d.y - y) < 1]
        assert (here.angle - angle + 180) % 360 - 180 == pytest.approx(0, abs=0.3)


def test_a_mirrored_thing_is_found_where_it_is_asked_for() -> None:
    image = np.ascontiguousarray(with_thing(0, 200, 120)[:, ::-1])
    assert not detect(image, masks=[THING], scales=1).found
    (found,) = detect(image, masks=[THING], scales=1, mirror=True).detections
    assert found.mirrored
    assert (found.x, found.y) == (160, 120)


@pytest.mark.parametrize("factor", [0.63, 0.9, 1.3, 1.75])
def test_a_size_between_the_steps_is_refined(factor: float) -> None:
    width, height = round(54 * factor), round(42 * factor)
    image = planted(150, 70, mask=resized(THING, width, height), page=SCENE)
    (found,) = detect(image, masks=[THING]).detections
    assert found.scale == pytest.approx(math.sqrt(width * height / (54 * 42)), rel=0.01)
    assert (found.x, found.y) == pytest.approx((150 + width / 2, 70 + height / 2), abs=0.2)


def test_coarse_to_fine_finds_what_the_full_search_finds() -> None:
    image = planted(40, 150, mask=THING, page=planted(250, 30, mask=THING, page=SCENE))
    quick = detect(image, masks=[THING], scales="0.7:1.4", top="all").detections
    full = detect(image, masks=[THING], scales="0.7:1.4", top="all", trace=Trace()).detections
    assert [(d.box, d.score) for d in quick] == [(d.box, d.score) for d in full]
    assert {d.box for d in quick} == {Box(40, 150, 54, 42), Box(250, 30, 54, 42)}


def test_a_copy_in_other_colours_comes_after_the_copy() -> None:
    image = planted(250, 150, mask=THING, page=planted(30, 20, mask=THING * 0.5 + 0.2, page=SCENE))
    first, second = detect(image, masks=[THING], scales=1, top=2).detections
    assert (first.box.left, second.box.left) == (250, 30)
    assert second.gain == pytest.approx(0.5, abs=0.01)
    assert first.score > second.score + 0.1
    blind = detect(image, masks=[THING], scales=1, top=2, score="ncc").detections
    assert [d.score for d in blind] == pytest.approx([1, 1], abs=1e-4)
    assert blind[0].box.left == 250  # of equal scores, the one in the same colours


def test_a_region_gives_what_the_whole_image_gives_there() -> None:
    image = planted(40, 150, mask=THING, page=planted(250, 30, mask=THING, page=SCENE))
    (found,) = detect(image, masks=[THING], region=(30, 140, 80, 60)).detections
    assert found.box == Box(40, 150, 54, 42)
    assert not detect(image, masks=[THING], region=(120, 100, 60, 60)).found


def test_a_mask_of_one_colour_and_no_shape_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="one colour only and no shape"):
        detect(PAGE, masks=[np.full((9, 9, 3), 0.5, np.float32)])


def test_a_glyph_is_found_in_light_and_in_dark() -> None:
    alpha = np.zeros((24, 24, 1), np.float32)
    alpha[4:20, 10:14] = alpha[4:8, 4:20] = 1
    glyph = np.concatenate([np.zeros((24, 24, 3), np.float32), alpha], axis=2)
    for ground, ink in ((0.95, 0.1), (0.1, 0.9)):
        image = np.full((100, 140, 3), ground, np.float32)
        image[60:84, 30:54] += alpha * np.float32(ink - ground)
        image[10:40, 90:92] = ink
        (found,) = detect(image, masks=[glyph], scales=1).detections
        assert found.box == Box(30, 60, 24, 24)
        assert found.gain == pytest.approx(ink - ground, abs=0.01)
        assert found.offset == pytest.approx(ink, abs=0.01)


def pin(colour: tuple[int, int, int]) -> Image.Image:
    """A pin of one colour, made small by a filter that gives its rim other colours."""
    large = Image.new("RGBA", (120, 120))
    draw = ImageDraw.Draw(large)
    draw.ellipse((20, 4, 100, 84), fill=colour)
    draw.polygon(((26, 60), (94, 60), (60, 118)), fill=colour)
    draw.ellipse((44, 28, 76, 60), fill=(0, 0, 0, 0))
    return large.resize((30, 30), Image.Resampling.LANCZOS)


def test_of_glyphs_of_one_shape_the_one_in_the_masks_colour_is_the_best() -> None:
    page = Image.new("RGBA", (240, 120), (235, 235, 225))
    for colour, at in (
        ((30, 60, 220), (20, 20)),
        ((30, 160, 60), (90, 70)),
        ((220, 30, 30), (180, 40)),
    ):
        page.alpha_composite(pin(colour), at)
    mask = np.asarray(pin((220, 30, 30)))
    best, *others = detect(np.asarray(page.convert("RGB")), masks=[mask], top="all").detections
    assert (best.x, best.y) == pytest.approx((195, 55), abs=1)
    assert len(others) == 2
    assert best.score > others[0].score + 0.05


def test_the_rim_of_a_small_icon_says_little_of_its_colours() -> None:
    large = Image.new("RGBA", (128, 128))
    draw = ImageDraw.Draw(large)
    for left, top, colour in (
        (17, 64, (209, 52, 56)),
        (53, 31, (40, 150, 72)),
        (91, 49, (33, 111, 219)),
    ):
        draw.rectangle((left, top, left + 25, 111), fill=colour)
    icon = large.resize((16, 16), Image.Resampling.BOX)
    page = Image.new("RGBA", (200, 120), (236, 238, 241))
    ImageDraw.Draw(page).text((20, 80), "what is around it", fill=(40, 42, 48))
    page.alpha_composite(icon, (90, 30))
    (found,) = detect(np.asarray(page.convert("RGB")), masks=[np.asarray(icon)]).detections
    assert (found.x, found.y, found.scale) == pytest.approx((98, 38, 1), abs=0.4)


def test_a_faint_mask_of_many_colours_is_sought_by_its_colours() -> None:
    faint = np.dstack([THING, np.full(THING.shape[:2], 0.4, np.float32)])
    (found,) = detect(planted(50, 40, mask=THING, page=SCENE), masks=[faint], scales=1).detections
    assert (found.box, found.score) == (Box(50, 40, 54, 42), pytest.approx(1))


@pytest.mark.parametrize("margins", [(20, 20), (120, 120), (3, 60)])
def test_a_transparent_margin_is_part_of_the_box_and_not_of_the_search(
    margins: tuple[int, int],
) -> None:
    image = planted(150, 130, mask=THING, page=SCENE)
    opaque = np.dstack([THING, np.ones(THING.shape[:2], np.float32)])
    padded = np.pad(opaque, (margins, margins, (0, 0)))
    before, after = margins
    (found,) = detect(image, masks=[padded]).detections
    left, top = 150 - before, 130 - before
    assert found.box == Box(left, top, 54 + before + after, 42 + before + after).clipped(360, 240)
    middle = (150 + 27 + (after - before) / 2, 130 + 21 + (after - before) / 2)
    assert (found.x, found.y) == pytest.approx(middle, abs=0.05)
    near = (round(found.x) - 20, round(found.y) - 20, 40, 40)
    (again,) = detect(image, masks=[padded], region=near).detections
    assert (again.x, again.y) == pytest.approx(middle, abs=0.05)


def test_a_shape_that_fills_its_box_is_told_from_what_is_around_it() -> None:
    square = np.zeros((24, 24, 4), np.float32)
    square[6:18, 6:18, 3] = 1
    page = np.full((80, 100, 3), 0.9, np.float32)
    page[36:48, 56:68] = 0
    (found,) = detect(page, masks=[square], scales=1).detections
    assert found.box == Box(50, 30, 24, 24)


def test_where_the_prior_is_0_nothing_is_found() -> None:
    where = np.ones(SCENE.shape[:2], np.float32)
    where[:, 60:] = 0
    image = planted(50, 40, mask=THING, page=SCENE)
    assert not detect(image, masks=[THING], where=where, scales=1).found


def test_a_copy_is_found_though_what_is_coarse_agrees_at_another_scale_too() -> None:
    """A cone keeps its looks at any scale; what is fine on it does not."""
    rows, cols = np.mgrid[:64, :64] - 31.5
    cone = np.clip(1 - np.hypot(rows, cols) / 32, 0, 1)[:, :, None]
    mask = (0.2 + 0.5 * cone + 0.12 * RNG.random((64, 64, 3))).astype(np.float32)
    page = np.full((240, 320, 3), 0.25, np.float32)
    found = detect(planted(140, 100, mask=mask, page=page), masks=[mask]).detections[0]
    assert (found.box, found.score) == (Box(140, 100, 64, 64), pytest.approx(1))


@pytest.mark.parametrize("likely", [1.0, 0.9, 0.3])
def test_a_prior_that_is_the_same_everywhere_hides_nothing(likely: float) -> None:
    image = planted(50, 40, mask=THING, page=SCENE)
    where = np.full(image.shape[:2], likely, np.float32)
    (found,) = detect(image, masks=[THING], where=where, scales=1).detections
    assert found.score == pytest.approx(likely, abs=1e-4)


def test_turns_without_a_mask_are_an_error() -> None:
    with pytest.raises(InvalidInputError, match="are for masks"):
        detect(PAGE, stack="stripes", angles="all")


def test_nothing_found_tells_the_best_place() -> None:
    result = detect(PAGE, masks=[MASK], scales=1)
    assert not result.found
    assert result.best is not None
    assert result.best.chance is not None
    assert result.best.chance > 0.01


def smooth_noise(rng: np.random.Generator, rows: int, cols: int, blur: float) -> np.ndarray:
    noise = ndimage.gaussian_filter(rng.standard_normal((rows, cols, 3)), (blur, blur, 0))
    return np.asarray(noise / noise.std(), np.float32)


@pytest.mark.parametrize(("seed", "blur", "side"), [(1, 3, 40), (0, 2, 20), (4, 2, 20), (0, 5, 60)])
def test_a_thing_whose_corner_is_hidden_is_found_though_much_correlates_better(
    seed: int, blur: float, side: int
) -> None:
    rng = np.random.default_rng(seed)
    scene = 0.5 + 0.06 * smooth_noise(rng, 300, 400, blur)
    thing = scene[90 : 90 + side, 120 : 120 + side].copy()
    scene[90 : 90 + side // 2, 120 : 120 + side // 2] = 0.5 + 0.35 * smooth_noise(
        rng, side // 2, side // 2, 2.5
    )
    image = np.clip(scene, 0, 1)
    (found,) = detect(image, masks=[thing], scales="0.7:1.4").detections
    assert (found.x, found.y) == pytest.approx((120 + side / 2, 90 + side / 2), abs=0.3)
    assert found.score < 0.3


@pytest.mark.parametrize("scales", [1, "0.5:2"])
@pytest.mark.parametrize("region", [(0, 0, 1, 1), (0, 0, 1, 200), (200, 0, 1, 1)])
def test_a_region_too_narrow_for_any_place_has_no_find(
    scales: float | str, region: tuple[int, int, int, int]
) -> None:
    assert not detect(SCENE, masks=[THING], scales=scales, region=region).found


def test_four_hundred_copies_are_all_found() -> None:
    small = THING[:16, :16]
    image = np.full((420, 420, 3), 0.5, np.float32)
    for top, left in itertools.product(range(2, 420, 21), repeat=2):
        image[top : top + 16, left : left + 16] = small
    assert len(detect(image, masks=[small], scales=1, top="all").detections) == 400


@pytest.mark.parametrize("hidden", ["corner", "strip", "middle"])
@pytest.mark.parametrize("scales", ["auto", 1])
def test_a_copy_is_found_of_which_something_bold_hides_a_part(
    hidden: str, scales: str | int
) -> None:
    """So bold that hundreds of places correlate better; the rest is the same."""
    rng = np.random.default_rng(3)
    page = (100 + 30 * rng.random((30, 40, 3))) / 255
    page = resized(page.astype(np.float32), 320, 240)
    mask = page[100:132, 60:100].copy()
    rows, cols = {
        "corner": (slice(0, 16), slice(0, 20)),
        "strip": (slice(0, 32), slice(30, 40)),
        "middle": (slice(8, 24), slice(10, 30)),
    }[hidden]
    page[100:132, 60:100][rows, cols] = rng.integers(0, 2, (1, 1, 3)).astype(np.float32)
    page[100:132, 60:100][rows, cols][::2] = rng.random(3, np.float32)
    found = detect(page, masks=[mask], scales=scales).detections
    assert [(d.x, d.y, d.scale) for d in found] == [(80.0, 116.0, 1.0)]


def button(word: str, width: int = 84, height: int = 26) -> np.ndarray:
    """A framed button with a word on it, as a floating point picture."""
    drawn = Image.new("RGB", (width, height), "white")
    pen = ImageDraw.Draw(drawn)
    pen.rectangle((0, 0, width - 1, height - 1), outline=(150, 150, 160))
    pen.text((width / 2, height / 2), word, fill=(30, 30, 40), anchor="mm")
    return np.asarray(drawn, np.float32) / 255


def test_a_button_with_another_word_is_not_one_whose_word_is_hidden() -> None:
    """Most of what would be hidden is there: what differs is the ink alone."""
    page = np.full((200, 320, 3), 0.9, np.float32)
    for n, word in enumerate(["Cancel", "Finish", "Restart", "Ignore"]):
        page[20 + 40 * n : 46 + 40 * n, 40:124] = button(word)
    assert not detect(page, masks=[button("Apply")], scales=1).found
    # Something that covers the word is another matter.
    page[60:86, 40:124] = button("Apply")
    page[66:80, 62:102] = (0.2, 0.5, 0.9)
    (found,) = detect(page, masks=[button("Apply")], scales=1).detections
    assert (found.box.left, found.box.top) == (40, 60)


def filled(word: str) -> np.ndarray:
    """A blue button on a white page, of whose pixels a word is a small part."""
    drawn = Image.new("RGB", (102, 36), "white")
    pen = ImageDraw.Draw(drawn)
    pen.rounded_rectangle((3, 3, 99, 33), 5, fill=(0, 95, 184))
    pen.text((51, 18), word, fill="white", anchor="mm", font_size=14)
    return np.asarray(drawn, np.float32) / 255


@pytest.mark.parametrize("word", ["Apply", "Cancel", "Delete", "Back"])
def test_a_filled_button_with_another_word_is_another_thing(word: str) -> None:
    """Its score is above 0.9: the button itself outweighs the word."""
    page = np.ones((300, 200, 3), np.float32)
    for n, other in enumerate(["Restart", "Finish", "Ignore", "Open", "Next"]):
        page[20 + 50 * n : 56 + 50 * n, 50:152] = filled(other)
    result = detect(page, masks=[filled(word)], scales=1)
    assert not result.found
    assert result.best is not None
    assert result.best.score > 0.85
    # One of them is it, with a pointer over a letter.
    page[120:156, 50:152] = filled(word)
    page[136:146, 92:96] = 0
    assert detect(page, masks=[filled(word)], scales=1).detections[0].box == Box(50, 120, 102, 36)


def test_a_button_of_which_a_digit_differs_is_the_same() -> None:
    page = np.ones((300, 200, 3), np.float32)
    page[120:156, 50:152] = filled("Mailbox 7")
    found = detect(page, masks=[filled("Mailbox 3")], scales=1).detections
    assert [d.box for d in found] == [Box(50, 120, 102, 36)]


def test_where_no_copy_can_lie_nothing_is_sought_of_what_is_left() -> None:
    """A shape of one colour, scales without 1, a page smaller than the mask at scale 1."""
    for settings in ({"scales": [0.6, 0.8]}, {"scales": [0.5]}):
        assert not detect(SCENE[:50, :60], masks=[PAGE[:70, :70]], **settings).found
    shape = np.zeros((24, 24, 4), np.float32)
    shape[6:18, 10:14, 3] = shape[10:14, 4:20, 3] = 1
    assert not detect(SCENE, masks=[shape]).found


def noisy(seed: int, height: int, width: int) -> np.ndarray:
    """Soft noise of little contrast."""
    rng = np.random.default_rng(seed)
    coarse = 0.4 + 0.12 * rng.random((height // 8, width // 8, 3), np.float32)
    return resized(coarse, width, height)


def with_copies(clear: int) -> tuple[np.ndarray, np.ndarray]:
    """A page with so many clear copies of a mask, and one at 580, 400 with a corner hidden; the mask."""
    page, mask = noisy(3, 480, 640), noisy(4, 80, 96)[20:52, 30:70]
    for n in range(clear):
        top, left = 20 + 50 * (n // 10), 20 + 60 * (n % 10)
        page[top : top + 32, left : left + 40] = mask
    page[384:416, 560:600] = mask
    page[384:400, 560:580] = np.random.default_rng(5).random((16, 20, 3), np.float32)
    return page, mask


@pytest.mark.parametrize("scales", ["auto", 1])
@pytest.mark.parametrize("clear", [0, 20])
def test_clear_copies_do_not_displace_one_that_is_partly_hidden(
    clear: int, scales: str | int
) -> None:
    page, mask = with_copies(clear)
    found = detect(page, masks=[mask], scales=scales, top="all").detections
    assert len(found) == clear + 1
    assert (580, 400) in {(d.x, d.y) for d in found}


@pytest.mark.parametrize("scales", ["auto", 1])
def test_a_copy_that_is_partly_hidden_is_found_where_alone_a_find_may_lie(
    scales: str | int,
) -> None:
    page, mask = with_copies(20)
    where = np.zeros(page.shape[:2], np.float32)
    where[300:, 400:] = 1
    for area in ({"where": where}, {"region": (560, 384, 40, 32)}, {"region": (580, 400, 1, 1)}):
        found = detect(page, masks=[mask], scales=scales, **area).detections
        assert [(d.x, d.y) for d in found] == [(580, 400)]


def blocks(seed: int, height: int, width: int) -> np.ndarray:
    """Blocks of 5 pixels, each of a colour of its own."""
    coarse = np.random.default_rng(seed).random((height // 5, width // 5, 3), np.float32)
    return np.repeat(np.repeat(coarse, 5, 0), 5, 1)


def map_pin(colour: tuple[float, float, float]) -> np.ndarray:
    """A map pin of one colour, its shape in alpha."""
    shape = Image.new("L", (96, 128))
    pen = ImageDraw.Draw(shape)
    pen.ellipse((12, 8, 84, 80), fill=255)
    pen.polygon([(20, 64), (76, 64), (48, 120)], fill=255)
    pen.ellipse((34, 30, 62, 58), fill=0)
    alpha = np.asarray(shape.resize((24, 32), Image.Resampling.BOX), np.float32) / 255
    return np.dstack([np.full((32, 24, 3), colour, np.float32), alpha])


def drawn_over(page: np.ndarray, icon: np.ndarray, left: int, top: int) -> np.ndarray:
    out, alpha = page.copy(), icon[:, :, 3:]
    here = out[top : top + icon.shape[0], left : left + icon.shape[1]]
    here[:] = here * (1 - alpha) + icon[:, :, :3] * alpha
    return out


@pytest.mark.parametrize("scales", ["auto", 1])
@pytest.mark.parametrize("seed", range(4))
def test_a_shape_in_its_own_colour_is_found_whatever_is_behind_it(
    seed: int, scales: str | int
) -> None:
    """No line of colours tells it from a ground of all colours."""
    icon = map_pin([(0.85, 0.1, 0.1), (0, 0, 0), (1, 1, 1), (0.1, 0.3, 0.8)][seed])
    page = blocks(seed, 240, 320)
    image = drawn_over(page, icon, 200, 100)
    (found,) = detect(image, masks=[icon], scales=scales).detections
    assert found.box == Box(200, 100, 24, 32)
    assert found.score > 0.9
    assert not detect(page, masks=[icon], scales=scales).found
    elsewhere = detect(image, masks=[icon], scales=scales, region=(0, 0, 150, 240))
    assert not elsewhere.found


def test_another_shape_in_the_same_colour_is_no_find() -> None:
    image = blocks(7, 240, 320)
    image[100:132, 200:224] = (0.85, 0.1, 0.1)
    image[30:42, 40:80] = (0.85, 0.1, 0.1)
    assert not detect(image, masks=[map_pin((0.85, 0.1, 0.1))], scales=1).found


def hidden_and_noisy(noise: float) -> tuple[np.ndarray, np.ndarray]:
    """A page with a copy of which a strip is hidden, and further down a whole one with noise; the mask."""
    rng = np.random.default_rng(8)
    page, mask = blocks(1, 240, 320), blocks(2, 40, 50)
    page[40:80, 50:100] = mask
    page[40:80, 50:66] = 1
    page[150:190, 200:250] = np.clip(mask + noise * rng.standard_normal(mask.shape), 0, 1)
    return page, mask


def test_a_whole_copy_comes_before_one_that_is_partly_hidden() -> None:
    page, mask = hidden_and_noisy(0.03)
    result = detect(page, masks=[mask], scales=1, top="all")
    assert [d.box.left for d in result.detections] == [200, 50]
    assert result.detections[0].score > result.detections[1].score
    assert result.margin is not None
    assert result.margin > 0


def test_by_a_threshold_the_best_that_reaches_it_is_told() -> None:
    """Though a copy of a lower score, as it is partly hidden, is less likely by chance."""
    page, mask = hidden_and_noisy(0.42)
    best, second = detect(page, masks=[mask], scales=1, top=2, threshold=0).detections
    assert best.score < second.score  # the copy that is partly hidden
    limit = (best.score + second.score) / 2
    (found,) = detect(page, masks=[mask], scales=1, threshold=limit).detections
    assert found == second


def test_by_a_threshold_the_margin_is_that_of_the_label_that_is_found() -> None:
    """Not that of a label whose best place does not reach it, however unlikely by chance."""
    page, hidden = hidden_and_noisy(0.8)
    noisy = blocks(3, 40, 50)
    page[150:190, 200:250] += noisy - hidden
    first, second = detect(page, masks=[hidden, noisy], scales=1, threshold=0).detections
    assert first.score < second.score
    limit = (first.score + second.score) / 2
    both = detect(page, masks=[hidden, noisy], scales=1, threshold=limit)
    alone = detect(page, masks=[hidden, noisy], labels=["mask2"], scales=1, threshold=limit)
    assert both.detections == alone.detections == (second,)
    assert both.margin == alone.margin


def test_a_whole_copy_comes_before_one_that_the_edge_cuts() -> None:
    image = SCENE.copy()
    image[:28, 50:104] = THING[14:]
    image[150:192, 200:254] = THING
    found = detect(image, masks=[THING], scales=1, top="all").detections
    assert [d.box for d in found] == [Box(200, 150, 54, 42), Box(50, 0, 54, 28)]
    assert [d.score for d in found] == pytest.approx([1, 1], abs=1e-4)


def test_what_hangs_over_the_edge_reaches_a_threshold_no_easier_than_what_is_seen_whole() -> None:
    """A part of the mask has fewer numbers: the best places of 8 pages without it hung over the edge."""
    over_edge = 0
    for seed in range(10):
        rng = np.random.default_rng(seed)
        page = resized(np.repeat(rng.random((20, 27, 1), np.float32), 3, 2), 320, 240)
        mask = resized(np.repeat(rng.random((4, 5, 1), np.float32), 3, 2), 48, 32)
        for found in detect(page, masks=[mask], scales=1, threshold=0.6).detections:
            over_edge += (found.box.width, found.box.height) != (48, 32)
    assert over_edge <= 2


@pytest.mark.parametrize("rows", [1, 2, 3, 5])
@pytest.mark.parametrize("cols", [1, 3])
def test_a_mask_of_a_few_pixels_is_searched(rows: int, cols: int) -> None:
    rng = np.random.default_rng(rows)
    page = rng.random((50, 60, 3), np.float32)
    for mask in (page[20 : 20 + rows, 30 : 30 + cols], rng.random((rows, cols, 3), np.float32)):
        if rows * cols > 1:  # one pixel has nothing to tell it by
            for scales in ("auto", 1):
                detect(page, masks=[mask], scales=scales)
