"""The stack file of a training runs as its networks do."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra 'train' (PyTorch)")

from waldo_cli.stack.file import load_stack  # noqa: E402
from waldo_cli.training.calibrate import Calibration  # noqa: E402
from waldo_cli.training.network import (  # noqa: E402
    Classes,
    box_network,
    classifier_network,
    field_and_jump,
    proposal_network,
)
from waldo_cli.training.release import Release, folded, write_stack  # noqa: E402

Networks = list[torch.nn.Sequential]


def test_the_stack_file_computes_what_the_networks_compute(
    networks: Networks, classes: Classes, tmp_path: Path
) -> None:
    first, *closer, box = [folded(net) for net in networks]
    stack = load_stack(write_stack(tmp_path, Release(name="fresh"), classes, first, closer, box))
    random = np.random.default_rng(3)
    looks = [(net, k.stack, 77) for net, k in zip([*closer, box], stack.looks, strict=True)]
    for net, layers, side in ((first, stack, 101), *looks):
        image = random.random((side, side, 3), dtype=np.float32)
        with torch.no_grad():
            expected = net(torch.from_numpy(image).permute(2, 0, 1)[None])[0]
        if net is not box:
            expected = torch.sigmoid(expected) if net is first else torch.softmax(expected, 0)
        np.testing.assert_allclose(layers.run(image), expected.permute(1, 2, 0).numpy(), atol=1e-4)
    assert stack.labels == classes.labels == ("waldo", "wenda", "nobody")


def test_any_printable_name_of_a_class_is_a_label(tmp_path: Path) -> None:
    classes = Classes(('a "quoted" \\ name', "é🙂"), shape=2.0)
    closer, box = [folded(classifier_network(classes))] * 2, folded(box_network())
    release = Release("fresh", description='"', calibration=Calibration(17.65, -160.98765, 0.625))
    stack = load_stack(
        write_stack(tmp_path, release, classes, folded(proposal_network(classes)), closer, box)
    )
    assert (stack.calibration, stack.threshold) == ((17.65, -160.98765), 0.625)
    assert stack.labels == (*classes.names, "nothing")
    assert stack.object == classes.proposal_view.size
    assert stack.description == '"'


def test_the_stack_file_sees_as_far_as_the_networks(
    networks: Networks, classes: Classes, tmp_path: Path
) -> None:
    first, *closer, box = networks
    looks = [folded(net) for net in closer]
    path = write_stack(tmp_path, Release("fresh"), classes, folded(first), looks, folded(box))
    stack = load_stack(path)
    assert stack.receptive_field.size == (field_and_jump(first)[0],) * 2
    assert stack.receptive_field.jump == (field_and_jump(first)[1],) * 2
    for net, look in zip([*closer, box], stack.looks, strict=True):
        assert look.stack.receptive_field.size == (field_and_jump(net)[0],) * 2
    assert path.with_suffix(".npz").stat().st_size < 3_000_000
