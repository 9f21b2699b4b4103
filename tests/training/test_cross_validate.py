"""Training: what PyTorch learns is what numpy runs, and it learns what it should."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra 'train' (PyTorch)")

from waldo_cli.detector.pyramid import cut  # noqa: E402
from waldo_cli.errors import FileError, InvalidInputError  # noqa: E402
from waldo_cli.stack.file import load_stack  # noqa: E402
from waldo_cli.training import calibrate, cross_validate, learn  # noqa: E402
from waldo_cli.training.augment import Mix, _end_the_page, make_batch  # noqa: E402
from waldo_cli.training.data import (  # noqa: E402
    NOBODY,
    Head,
    Page,
    character_patches,
    cut_patch,
    folds_by_artwork,
    painted_over,
    random_spots,
    read_pages,
    spot_patches,
)
from waldo_cli.training.lessons import ProposalLesson, closer_mix  # noqa: E402
from waldo_cli.training.network import (  # noqa: E402
    CLOSER_VIEWS,
    LABELS,
    classifier_network,
    field_and_jump,
    proposal_network,
)
from waldo_cli.training.release import Release, folded, write_stack  # noqa: E402  # noqa: E402

Networks = list[torch.nn.Sequential]


def _lived_in(net: torch.nn.Sequential, seed: int) -> torch.nn.Sequential:
    """The network with normalisation statistics as training leaves them, not all ones."""
    generator = torch.Generator().manual_seed(seed)
    for layer in net:
        if isinstance(layer, torch.nn.BatchNorm2d):
            for values, low in (
                (layer.weight.data, 0.5),
                (layer.bias.data, -0.5),
                (layer.running_mean, -0.5),
                (layer.running_var, 0.5),
            ):
                values.copy_(torch.rand(values.shape, generator=generator) + low)
    return net.eval()


@pytest.fixture(scope="module")
def networks() -> Networks:
    torch.manual_seed(0)
    nets = [proposal_network(), classifier_network(), classifier_network()]
    return [_lived_in(net, seed) for seed, net in enumerate(nets)]


@pytest.fixture(scope="module")
def pages() -> list[Page]:
    """Noise with a coloured square for every head: Waldo's red, Wenda's blue, a stranger's green."""
    random = np.random.default_rng(5)
    out = []
    for n in range(4):
        pixels = random.integers(120, 255, (220, 300, 3)).astype(np.uint8)
        heads = []
        for label, colour, x in (
            (0, (220, 20, 20), 60),
            (1, (20, 20, 220), 150),
            (4, (0, 160, 0), 240),
        ):
            top = 40 + 25 * n
            pixels[top : top + 24, x : x + 18] = colour
            heads.append(Head(label, x, top, x + 18, top + 24))
        out.append(Page(f"{n}.png", f"art{n // 2}", "page", pixels, tuple(heads)))
    return out


# --- networks and stack files --------------------------------------------------------------------


def test_the_stack_file_computes_what_the_networks_compute(
    networks: Networks, tmp_path: Path
) -> None:
    first, *closer = [folded(net) for net in networks]
    stack = load_stack(write_stack(tmp_path, Release(name="fresh"), first, closer))
    random = np.random.default_rng(3)
    looks = [(net, look.stack, 77) for net, look in zip(closer, stack.closer_looks, strict=True)]
    for net, layers, side in ((first, stack, 101), *looks):
        image = random.random((side, side, 3), dtype=np.float32)
        with torch.no_grad():
            expected = net(torch.from_numpy(image).permute(2, 0, 1)[None])[0]
        if net is first:
            expected = torch.sigmoid(expected.amax(0, keepdim=True))
        else:
            expected = torch.softmax(expected, 0)
        np.testing.assert_allclose(layers.run(image), expected.permute(1, 2, 0).numpy(), atol=1e-4)
    assert stack.labels == LABELS


def test_the_stack_file_sees_as_far_as_the_networks(networks: Networks, tmp_path: Path) -> None:
    first, *closer = networks
    path = write_stack(
        tmp_path, Release(name="fresh"), folded(first), [folded(net) for net in closer]
    )
    stack = load_stack(path)
    assert stack.receptive_field.size == (field_and_jump(first)[0],) * 2
    assert stack.receptive_field.jump == (field_and_jump(first)[1],) * 2
    for net, look in zip(closer, stack.closer_looks, strict=True):
        assert look.stack.receptive_field.size == (field_and_jump(net)[0],) * 2
    assert path.with_suffix(".npz").stat().st_size < 2_000_000


def test_a_calibrated_network_gives_calibrated_scores(networks: Networks) -> None:
    net = torch.nn.Sequential(torch.nn.Conv2d(3, 2, 1))  # two labels: the softmax is a logistic
    pixel = torch.rand(1, 3, 1, 1)
    calibration = calibrate.Calibration(0.7, -0.4, 0.5)
    with torch.no_grad():
        before = float(folded(net)(pixel).softmax(1)[0, 0])
        after = float(calibrate.calibrated(net, calibration)(pixel).softmax(1)[0, 0])
    assert after == pytest.approx(calibration(before), abs=1e-6)


# --- pages and patches ---------------------------------------------------------------------------


def test_a_patch_shows_what_detect_cuts(pages: list[Page]) -> None:
    pixels = pages[0].pixels
    for spot in ((69.0, 52.0, 24.0), (2.0, 3.0, 40.0), (290.5, 215.25, 17.0)):
        patch = cut_patch(pixels, spot, 24.0, side=77)
        zoom = 24.0 / spot[2]
        expected = cut(pixels.astype(np.float32) / 255, spot[:2], zoom, (77, 77)) * 255
        np.testing.assert_allclose(patch, expected, atol=1.5)


def test_scans_of_an_artwork_share_a_fold_and_folds_are_of_like_size(pages: list[Page]) -> None:
    many = [replace(p, artwork=f"{p.artwork}-{i}") for i in range(5) for p in pages]
    folds = folds_by_artwork(many, 5, seed=1)
    assert set(folds) == {p.artwork for p in many}
    assert [list(folds.values()).count(k) for k in range(5)] == [2] * 5
    assert folds == folds_by_artwork(many[::-1], 5, seed=1)


def test_random_spots_keep_away_from_everybody(pages: list[Page]) -> None:
    for spot in random_spots(pages[0], 30, np.random.default_rng(0)):
        assert pages[0].is_clear(spot, 2.5)


def test_painting_over_takes_waldo_and_nobody_else(pages: list[Page]) -> None:
    page = pages[0]
    painted = painted_over(page)
    waldo, wenda = page.heads[0], page.heads[1]
    there = (slice(int(waldo.top), int(waldo.bottom)), slice(int(waldo.left), int(waldo.right)))
    red = np.array([220, 20, 20])
    assert (page.pixels[there] == red).all()
    assert not (painted.pixels[there] == red).all(axis=2).any()
    there = (slice(int(wenda.top), int(wenda.bottom)), slice(int(wenda.left), int(wenda.right)))
    assert (painted.pixels[there] == page.pixels[there]).all()
    assert [h.label for h in painted.heads] == [1, 4]


# --- batches -------------------------------------------------------------------------------------


MIXES = [ProposalLesson.mix, *map(closer_mix, CLOSER_VIEWS.values())]


@pytest.mark.parametrize("mix", MIXES)
def test_batches_repeat_with_their_seed_and_hold_what_the_mix_says(
    mix: Mix, pages: list[Page]
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
    assert (one.labels[-mix.empty - mix.strangers :] == NOBODY).all()
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


def test_cells_on_a_head_should_answer_and_far_ones_should_not(pages: list[Page]) -> None:
    net = proposal_network()
    head = 1.25 * ProposalLesson.mix.head
    random = np.random.default_rng(1)
    places = spot_patches(pages, [random_spots(p, 6, random) for p in pages], head)
    lesson = ProposalLesson(net, character_patches(pages, head), places)
    images, wanted, weight = lesson.batch(np.random.default_rng(2))
    assert net(images).shape == wanted.shape
    batch = make_batch(lesson.mix, lesson.characters, lesson.places, np.random.default_rng(2))
    for n in np.flatnonzero(batch.labels == 0):
        i, j = (np.abs(lesson.centers - at[n]).argmin() for at in (batch.y, batch.x))
        assert wanted[n, 0, i, j] == 1
        assert wanted[n, 1:].sum() == 0
    assert wanted[batch.labels == NOBODY].sum() == 0
    assert (weight[-lesson.mix.empty :] == 1).all()


# --- learning ------------------------------------------------------------------------------------


def test_a_training_cut_short_goes_on_where_it_stopped(
    pages: list[Page], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(learn, "CHECKPOINT_STEPS", 2)
    head = 1.25 * ProposalLesson.mix.head
    random = np.random.default_rng(1)
    places = spot_patches(pages, [random_spots(p, 6, random) for p in pages], head)
    lesson = ProposalLesson(proposal_network(), character_patches(pages, head), places)
    checkpoint = tmp_path / "proposals.checkpoint"
    said: list[str] = []

    def stop(line: str) -> None:
        said.append(line)
        if len(said) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        learn.optimise(proposal_network(), lesson, 6, seed=0, checkpoint=checkpoint, say=stop)
    learn.optimise(proposal_network(), lesson, 6, seed=0, checkpoint=checkpoint, say=said.append)
    assert [line.split(",")[0] for line in said] == [f"step {n} of 6" for n in (2, 4, 6)]
    assert not checkpoint.exists()


def test_probabilities_are_right_as_often_as_they_say() -> None:
    random = np.random.default_rng(0)
    truth = random.uniform(0.02, 0.98, 4000)
    hits = random.random(4000) < truth
    logits = np.log(truth / (1 - truth))
    said = 1 / (1 + np.exp(-(2.5 * logits + 1)))  # overconfident
    calibration = calibrate.calibrate(list(zip(said.tolist(), hits.tolist(), strict=True)), [])
    np.testing.assert_allclose([calibration(s) for s in said], truth, atol=0.05)


def test_the_threshold_keeps_false_alarms_rare() -> None:
    absent = np.linspace(0.01, 0.97, 60).tolist()
    finds = [(0.99, True)] * 50 + [(s, False) for s in absent]
    calibration = calibrate.calibrate(finds, absent)
    assert sum(calibration(s) >= calibration.threshold for s in absent) < 0.05 * len(absent)
    assert 0.5 <= calibration.threshold < calibration(0.99)


def test_a_folder_with_another_training_is_refused(tmp_path: Path) -> None:
    cross_validate._claim(tmp_path / "run", {"seed": 0}, resume=False)
    with pytest.raises(InvalidInputError, match="holds a training already"):
        cross_validate._claim(tmp_path / "run", {"seed": 0}, resume=False)
    cross_validate._claim(tmp_path / "run", {"seed": 0}, resume=True)
    with pytest.raises(InvalidInputError, match="other settings"):
        cross_validate._claim(tmp_path / "run", {"seed": 1}, resume=True)
    with pytest.raises(FileError, match="cannot train here: not a directory"):
        cross_validate._claim(tmp_path / "run" / "settings.json" / "run", {"seed": 0}, resume=True)


def test_a_short_training_finds_drawn_waldos_of_other_seeds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(Path(__file__).resolve().parents[2] / "sample_images" / "scenes")
    draw_scene = __import__("draw").draw_scene

    def scenes(name: str, seeds: range) -> Path:
        folder = tmp_path / name
        folder.mkdir()
        rows = ["filename,width,height,class,xmin,ymin,xmax,ymax"]
        for n, seed in enumerate(seeds):
            picture, boxes = draw_scene(seed, (560, 400), ("town", "beach", "fair")[n % 3], head=18)
            picture.save(folder / f"{seed}.png")
            rows += [
                f"{seed}.png,560,400,{b.label},{b.xmin},{b.ymin},{b.xmax},{b.ymax}" for b in boxes
            ]
        (folder / "truth.csv").write_text("\n".join(rows) + "\n")
        return folder

    learned_from, tested_on = scenes("seen", range(500, 520)), scenes("unseen", range(900, 910))
    cross_validate.train(
        learned_from, learned_from / "truth.csv", tmp_path / "run", folds=0, effort=0.06,
        say=lambda _: None,
    )  # fmt: skip
    stack = load_stack(tmp_path / "run" / "waldo.toml")
    unseen = read_pages(tested_on, tested_on / "truth.csv")
    assert sum(cross_validate._judged(page, stack).rank == 1 for page in unseen) >= 9
