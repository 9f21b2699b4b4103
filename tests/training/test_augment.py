"""Batches: what they hold, what is done to their pages, and what should be answered."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra 'train' (PyTorch)")

from waldo_cli.training import augment  # noqa: E402
from waldo_cli.training.augment import Mix, _end_the_page, make_batch  # noqa: E402
from waldo_cli.training.data import (  # noqa: E402
    NOBODY,
    TrainingPage,
    character_patches,
    random_spots,
    spot_patches,
)
from waldo_cli.training.lessons import (  # noqa: E402
    BoxLesson,
    ProposalLesson,
    box_mix,
    closer_mix,
    proposal_mix,
)
from waldo_cli.training.network import Classes, proposal_network  # noqa: E402

MIXES = [
    mix
    for classes in (Classes(("waldo", "wenda"), figures=True), Classes(("logo", "icon"), shape=2.0))
    for mix in (
        proposal_mix(classes),
        *(closer_mix(view, classes) for view in classes.closer_views.values()),
        box_mix(classes.box_view, classes),
    )
]


@pytest.mark.parametrize("mix", MIXES)
def test_batches_repeat_with_their_seed_and_hold_what_the_mix_says(
    mix: Mix, pages: list[TrainingPage]
) -> None:
    characters = character_patches(pages, 1.2 * mix.head)
    random = np.random.default_rng(1)
    places = spot_patches(pages, [random_spots(p, 6, random) for p in pages], 1.2 * mix.head)
    one, two = (make_batch(mix, characters, places, np.random.default_rng(7)) for _ in range(2))
    assert torch.equal(one.images, two.images)
    assert one.images.shape == (
        mix.real + mix.pasted + mix.strangers + mix.empty,
        3,
        mix.size,
        mix.size,
    )
    assert float(one.images.min()) >= 0
    assert float(one.images.max()) <= 1
    assert (one.labels[mix.real + mix.pasted :] == NOBODY).all()
    assert (one.boxes[: mix.real + mix.pasted] > 0).all()
    assert (one.boxes[mix.real + mix.pasted :] == 0).all()
    assert {0, 1} <= set(one.labels.tolist())


def test_beyond_the_end_of_a_page_its_edge_repeats_and_the_middle_of_the_head_stays() -> None:
    images = torch.rand(60, 3, 40, 40, generator=torch.Generator().manual_seed(1))
    before, middle = images.clone(), np.zeros(60)
    _end_the_page(images, middle, middle, 12.0, np.random.default_rng(3), share=1.0)
    assert torch.equal(images[:, :, 20, 20], before[:, :, 20, 20])
    for image, was in zip(images, before, strict=True):
        changed = (image != was).any(dim=0)
        lines = changed if changed.all(dim=1).any() else changed.T  # whole rows, or whole columns
        ended = np.flatnonzero(lines.all(dim=1).numpy())
        assert lines.any(dim=1).sum() == len(ended)
        if len(ended):
            assert ended[0] == 0 or ended[-1] == 39
            assert len(np.unique(np.diff(ended))) <= 1
            rows = image if lines is changed else image.transpose(1, 2)
            assert (rows[:, ended] == rows[:, ended[:1]]).all()


def test_cells_on_a_head_should_answer_and_far_ones_should_not(
    pages: list[TrainingPage], classes: Classes
) -> None:
    net = proposal_network(classes)
    head = 1.25 * proposal_mix(classes).head
    random = np.random.default_rng(1)
    places = spot_patches(pages, [random_spots(p, 6, random) for p in pages], head)
    lesson = ProposalLesson(net, classes, character_patches(pages, head), places)
    images, wanted, weight = lesson.batch(np.random.default_rng(2))
    assert net(images).shape == wanted.shape
    batch = make_batch(lesson.mix, lesson.characters, lesson.places, np.random.default_rng(2))
    for n in np.flatnonzero(batch.labels == 0):
        i, j = (np.abs(lesson.centers - at[n]).argmin() for at in (batch.y, batch.x))
        assert wanted[n, 0, i, j] == 1
        assert wanted[n, 1:].sum() == 0
    assert wanted[batch.labels == NOBODY].sum() == 0
    assert (weight[-lesson.mix.empty :] == 1).all()


def test_the_box_look_learns_where_the_box_lies_in_the_sample_and_in_its_mirror_image(
    pages: list[TrainingPage], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without what hides and recolours them, objects are the red and blue squares of their pages."""
    for change in ("_hide_parts", "_end_the_page"):
        monkeypatch.setattr(augment, change, lambda *_: None)
    for change in ("_recoloured", "_degraded"):
        monkeypatch.setattr(augment, change, lambda images, *_, **__: images)
    classes = Classes(("waldo", "wenda"), figures=True)
    view = classes.box_view
    characters = character_patches(pages, 1.2 * view.head)
    places = spot_patches(pages, [[(20.0, 20.0, 24.0)] for _ in pages], 1.2 * view.head)
    lesson = BoxLesson(view, classes, characters, places)
    images, wanted = lesson.batch(np.random.default_rng(3))
    for shown, targets in ((images, wanted), lesson.mirrored(images, wanted)):
        errors = []
        for image, target in zip(shown[: lesson.mix.real], targets, strict=False):
            red, green, blue = image
            inside = ((red - blue).abs() > 0.4) & (green < 0.3)  # red or blue
            rows, cols = (np.flatnonzero(inside.any(axis).numpy()) for axis in (1, 0))
            # The square may be turned a little, and its box is larger then: compare centres and areas.
            x, y = (cols[0] + cols[-1] + 1) / 2 - 38.5, (rows[0] + rows[-1] + 1) / 2 - 38.5
            area = float(inside.sum())
            sides = torch.exp(target[2:]) * torch.tensor([view.size.cols, view.size.rows])
            errors.append(
                (
                    x - float(target[0]) * view.size.cols,
                    y - float(target[1]) * view.size.rows,
                    10 * np.log(area / float(sides.prod())),
                )
            )
        assert np.abs(np.median(errors, axis=0)).max() < 0.5
        assert np.quantile(np.abs(errors), 0.9) < 2
