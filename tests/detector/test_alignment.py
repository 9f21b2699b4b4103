"""Alignment: poses move to where the image agrees with the mask, and agreement is measured as promised."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from planted import resized
from scipy import ndimage

from waldo_cli.detector import agreement
from waldo_cli.detector.agreement import compare
from waldo_cli.detector.alignment import align
from waldo_cli.detector.poses import ANGLE, PLACE, SCALE, ImagePyramid, Poses
from waldo_cli.detector.template import Template
from waldo_cli.geometry import Size
from waldo_cli.stack.stack import Mask

RNG = np.random.default_rng(3)
IMAGE = resized(RNG.random((30, 40, 3), np.float32), 240, 180)  # a picture, not noise
HERE = Mask("here", IMAGE[60:108, 100:140])
AT = (120.0, 84.0)
ALL = (PLACE, SCALE, ANGLE)


def pose(
    x: float, y: float, scale: float = 1.0, angle: float = 0.0, mirrored: bool = False
) -> Poses:
    return Poses(*(np.array([v]) for v in (x, y, scale, angle)), np.array([mirrored]))


@pytest.mark.parametrize("start", [(118.5, 85.2, 1.05, 2.5), (121, 83, 0.94, -3), (120, 84, 1, 0)])
def test_a_pose_nearby_moves_to_the_place(start: tuple[float, float, float, float]) -> None:
    template = Template.of(HERE, Size(48, 40))
    (found, (score,)) = align(ImagePyramid(IMAGE), template, pose(*start), 1.0, ALL, 12)
    assert (found.x[0], found.y[0]) == pytest.approx(AT, abs=0.05)
    assert found.scale[0] == pytest.approx(1, abs=2e-3)
    assert found.angle[0] == pytest.approx(0, abs=0.1)
    assert score > 0.999


def test_what_is_not_free_stays_as_it_is() -> None:
    template = Template.of(HERE, Size(24, 20))
    moved, _ = align(ImagePyramid(IMAGE), template, pose(119, 84, 1.02, 1.0), 1.0, (PLACE,), 5)
    assert (moved.scale[0], moved.angle[0]) == (1.02, 1.0)


@pytest.mark.parametrize("quarters", [0, 1, 2, 3])
@pytest.mark.parametrize("mirrored", [False, True])
def test_angles_are_counter_clockwise_as_seen_and_mirroring_comes_first(
    quarters: int, mirrored: bool
) -> None:
    lies = HERE.pixels[:, ::-1] if mirrored else HERE.pixels
    lies = np.rot90(lies, quarters)  # numpy turns counter-clockwise, too
    image = IMAGE.copy()
    rows, cols = lies.shape[:2]
    image[20 : 20 + rows, 30 : 30 + cols] = lies
    at = pose(30 + cols / 2, 20 + rows / 2, 1.0, 90.0 * quarters, mirrored)
    agreement = compare(ImagePyramid(image), Template.of(HERE, HERE.size), at, 1.0)
    assert agreement.score[0] == pytest.approx(1, abs=1e-6)


def test_many_poses_are_compared_in_groups_that_stay_in_the_cache(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    template, original = Template.of(HERE, Size(24, 20)), agreement.sampled
    counts: list[int] = []

    def sampled(pyramid: ImagePyramid, template: Template, poses: Poses, scale: float) -> Any:
        counts.append(3 * template.values.shape[1] * len(poses))
        return original(pyramid, template, poses, scale)

    many = Poses.joined([pose(*AT)] * 700)
    alone = compare(ImagePyramid(IMAGE), template, pose(*AT), 1.0)
    monkeypatch.setattr(agreement, "sampled", sampled)
    together = compare(ImagePyramid(IMAGE), template, many, 1.0)
    assert max(counts) <= 1 << 18
    assert together.score == pytest.approx(np.full(700, alone.score[0]), abs=1e-9)


def test_an_agreement_tells_contrast_and_brightness() -> None:
    template = Template.of(HERE, HERE.size)
    pale = compare(ImagePyramid(0.4 * IMAGE + 0.5), template, pose(*AT), 1.0)
    assert pale.score[0] == pytest.approx(1, abs=1e-6)
    assert pale.gain[0] == pytest.approx(0.4, abs=1e-4)
    assert pale.offset[0] == pytest.approx(float((0.5 - 0.6 * HERE.pixels).mean()), abs=1e-4)
    assert pale.concordance[0] < 0.8
    same = compare(ImagePyramid(IMAGE), template, pose(*AT), 1.0)
    assert same.concordance[0] == pytest.approx(1, abs=1e-6)


def test_what_hides_a_quarter_does_not_decide() -> None:
    image = IMAGE.copy()
    image[60:84, 100:120] = RNG.random((24, 20, 3))
    seen = compare(ImagePyramid(image), Template.of(HERE, Size(48, 40)), pose(*AT), 1.0)
    assert seen.score[0] < 0.9
    assert seen.trimmed[0] > 0.999


def test_of_a_mask_over_the_edge_what_lies_inside_is_compared() -> None:
    cut = IMAGE[:, 110:]
    seen = compare(ImagePyramid(cut), Template.of(HERE, HERE.size), pose(10, 84), 1.0)
    assert seen.inside[0] == pytest.approx(0.75)
    assert seen.score[0] == pytest.approx(1, abs=1e-6)


def test_a_smooth_mask_amounts_to_fewer_numbers_than_a_busy_one() -> None:
    ramp = Mask(
        "ramp", np.broadcast_to(np.linspace(0, 1, 40)[None, :, None], (48, 40, 3)).astype("f")
    )
    noise = Mask("noise", RNG.random((48, 40, 3), np.float32))
    smooth, busy = (Template.of(m, m.size).independent for m in (ramp, noise))
    assert smooth < 6
    assert busy > 200


def test_a_shape_is_compared_whatever_its_colour() -> None:
    alpha = np.zeros((20, 20, 1), np.float32)
    alpha[4:16, 9:12] = alpha[9:12, 4:16] = 1
    template = Template.of(Mask("plus", alpha), Size(20, 20), np.zeros(3))
    for glyph, ground in (((0.1, 0.1, 0.1), (0.9, 0.9, 0.8)), ((1, 0.9, 0), (0, 0.1, 0.4))):
        image = np.empty((60, 60, 3), np.float32)
        image[:] = ground
        image[20:40, 10:30] += alpha * (np.array(glyph) - ground)
        score = compare(ImagePyramid(image), template, pose(20, 30), 1.0).score[0]
        assert score == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("has_shape", [False, True])
def test_a_blurred_template_agrees_with_a_blurred_image_at_full_contrast(has_shape: bool) -> None:
    y, x = np.mgrid[-1:1:48j, -1:1:40j]
    weights = np.clip(3 * (1 - x**2 - y**2), 0, 1).astype(np.float32) if has_shape else None
    sharp = Template.of(Mask("here", HERE.pixels, weights), Size(48, 40))
    image = ImagePyramid(ndimage.gaussian_filter(IMAGE, (3, 3, 0)).astype(np.float32))
    before, after = (
        compare(image, template, pose(*AT), 1.0) for template in (sharp, sharp.blurred((3.0, 3.0)))
    )
    assert before.gain[0] < 0.8
    assert after.gain[0] == pytest.approx(1, abs=0.12)
    assert after.score[0] > max(0.98, before.score[0])
    assert after.independent[0] < before.independent[0]
