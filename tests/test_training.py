"""Training: what PyTorch learns is what numpy runs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra 'train' (PyTorch)")

from waldo_cli.stackfile import load_stack  # noqa: E402
from waldo_cli.training.network import (  # noqa: E402
    LABELS,
    Release,
    classifier_network,
    field_and_jump,
    folded,
    proposal_network,
    write_stack,
)


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
def networks() -> tuple[torch.nn.Sequential, torch.nn.Sequential]:
    torch.manual_seed(0)
    return _lived_in(proposal_network(), 1), _lived_in(classifier_network(), 2)


def test_the_stack_file_computes_what_the_networks_compute(
    networks: tuple[torch.nn.Sequential, torch.nn.Sequential], tmp_path: Path
) -> None:
    first, second = networks
    path = write_stack(tmp_path, Release(name="fresh"), folded(first), folded(second))
    stack = load_stack(path)
    random = np.random.default_rng(3)
    for net, layers, side in ((first, stack, 101), (second, stack.second_look.stack, 77)):
        image = random.random((side, side, 3), dtype=np.float32)
        with torch.no_grad():
            expected = net(torch.from_numpy(image).permute(2, 0, 1)[None])[0]
        if net is first:
            expected = torch.sigmoid(expected.amax(0, keepdim=True))
        else:
            expected = torch.softmax(expected, 0)
        np.testing.assert_allclose(
            layers.run(image), expected.permute(1, 2, 0).numpy(), atol=1e-4
        )
    assert stack.labels == LABELS


def test_the_stack_file_sees_as_far_as_the_networks(
    networks: tuple[torch.nn.Sequential, torch.nn.Sequential], tmp_path: Path
) -> None:
    first, second = networks
    path = write_stack(tmp_path, Release(name="fresh"), folded(first), folded(second))
    stack = load_stack(path)
    assert stack.receptive_field.size == (field_and_jump(first)[0],) * 2
    assert stack.receptive_field.jump == (field_and_jump(first)[1],) * 2
    assert stack.second_look.stack.receptive_field.size == (field_and_jump(second)[0],) * 2
    assert path.with_suffix(".npz").stat().st_size < 2_000_000
