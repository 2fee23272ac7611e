# SPDX-License-Identifier: BSD-3-Clause
"""Schedules, distributions and masks."""

import pytest
import torch

from lava_sparse_rnn.nn import SparseRNN
from lava_sparse_rnn.nn.sparsify import (
    DISTRIBUTIONS,
    SCHEDULES,
    Constant,
    Cubic,
    Pruner,
    erdos_renyi,
    sparsity,
)
from lava_sparse_rnn.nn.sparsify.masks import largest, prune


def small(**options):
    return SparseRNN(6, 16, 16, 2, 5, hippo_blocks=2, **options)


def test_cubic_schedule():
    schedule = Cubic(0.8, start=10, end=110, every=25)
    assert schedule.sparsity(9) == 0
    assert schedule.sparsity(60) == pytest.approx(0.8 * (1 - 0.5**3))
    assert schedule.sparsity(110) == schedule.sparsity(999) == 0.8
    assert [s for s in range(200) if schedule.is_update(s)] == [10, 35, 60, 85, 110]
    values = [schedule.sparsity(s) for s in range(120)]
    assert values == sorted(values)


def test_the_final_update_happens_off_the_grid():
    assert Cubic(0.5, 0, 95, 10).is_update(95)
    assert Constant(0.5, 0, 95, 10).is_update(95)
    assert not Constant(0.5, 0, 95, 10).is_update(100)


@pytest.mark.parametrize("make", SCHEDULES.values())
def test_schedule_errors(make):
    with pytest.raises(ValueError, match=r"sparsity is 1.0.*\[0, 1\)"):
        make(1.0, 0, 10)
    with pytest.raises(ValueError, match="every is 0"):
        make(0.5, 0, 10, 0)


@pytest.mark.parametrize("name", DISTRIBUTIONS)
@pytest.mark.parametrize("target", [0.0, 0.5, 0.9, 0.99])
def test_distributions_meet_the_total(name, target):
    shapes = {"a": (64, 32), "b": (32, 128), "c": (8, 8)}
    found = DISTRIBUTIONS[name](shapes, target)
    sizes = {k: r * c for k, (r, c) in shapes.items()}
    zeros = sum(found[k] * sizes[k] for k in shapes)
    assert zeros == pytest.approx(target * sum(sizes.values()))
    assert all(-1e-12 <= s <= 1 for s in found.values())


def test_erdos_renyi_formula_and_dense_small_matrices():
    shapes = {"wide": (200, 100), "square": (50, 50), "tiny": (2, 2)}
    found = erdos_renyi(shapes, 0.9)
    assert found["tiny"] == 0
    density = {k: 1 - s for k, s in found.items()}
    expected = (300 / 20000) / (100 / 2500)
    assert density["wide"] / density["square"] == pytest.approx(expected)


def test_masks_are_exact_and_keep_the_largest():
    model = small()
    prune(model, 0.75, "uniform")
    assert sparsity(model)["total"] == pytest.approx(0.75, abs=0.002)
    for owner in [model, *model.blocks]:
        for name, score in owner.saliency().items():
            mask = getattr(owner, f"{name}_mask")
            assert int(mask.sum()) == mask.numel() - round(0.75 * mask.numel())
            assert score[mask].min() >= score[~mask].max()


def test_largest_breaks_ties_with_an_exact_count():
    assert int(largest(torch.ones(7, 3), 10).sum()) == 10


def test_saliency_of_b_is_of_the_deployed_matrix():
    """A column that the batch norm scales up keeps more connections."""
    model = small()
    block = model.blocks[0]
    block.norm.running_var[3] = 1e-4
    prune(model, 0.7)
    kept = block.B_re_mask.sum(0)
    assert kept[3] == block.B_re_mask.shape[0]


@pytest.mark.parametrize("straight_through", [False, True])
def test_pruned_weights_do_not_act_and_learn_if_asked(straight_through):
    model = small(straight_through=straight_through)
    prune(model, 0.8)
    x = torch.randn(2, 20, 6)
    y = model(x)
    y.square().sum().backward()
    mask = model.blocks[1].gate_mask
    assert bool(model.blocks[1].gate.grad[~mask].any()) is straight_through
    with torch.no_grad():
        for _, owner, name in model.prunable():
            if not name.startswith("B_"):
                getattr(owner, name)[~getattr(owner, f"{name}_mask")] += 7
        assert torch.equal(model(x), y)


def test_masks_travel_in_the_state_dict():
    model, other = small(), small()
    prune(model, 0.6)
    other.load_state_dict(model.state_dict())
    assert sparsity(other) == sparsity(model)


def test_pruner_follows_its_schedule():
    model = small()
    pruner = Pruner(Cubic(0.5, 2, 6, 2))
    updates = [pruner.update(model, step) for step in range(10)]
    assert [i for i, u in enumerate(updates) if u] == [2, 4, 6]
    assert sparsity(model)["total"] == pytest.approx(0.5, abs=0.01)
