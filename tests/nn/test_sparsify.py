# SPDX-License-Identifier: BSD-3-Clause
"""Schedules, distributions and masks."""

import pytest
import torch

from lava_sparse_rnn.nn import SparseRNN
from lava_sparse_rnn.nn.sparsify import (
    DISTRIBUTIONS,
    PATTERNS,
    SCHEDULES,
    SCORES,
    ActivityPenalty,
    Constant,
    Cubic,
    OneShot,
    Pruner,
    erdos_renyi,
    prune,
    sparsity,
)
from lava_sparse_rnn.nn.sparsify.activity import hoyer, l1
from lava_sparse_rnn.nn.sparsify.patterns import unstructured


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


def scores_of(**shapes):
    torch.manual_seed(0)
    return {name: torch.rand(shape) for name, shape in shapes.items()}


@pytest.mark.parametrize("name", DISTRIBUTIONS)
@pytest.mark.parametrize("target", [0.0, 0.5, 0.9, 0.99])
def test_distributions_meet_the_total(name, target):
    scores = scores_of(a=(64, 32), b=(32, 128), c=(8, 8))
    found = DISTRIBUTIONS[name](scores, target)
    sizes = {k: score.numel() for k, score in scores.items()}
    zeros = sum(found[k] * sizes[k] for k in scores)
    assert zeros == pytest.approx(target * sum(sizes.values()), abs=0.5)
    assert all(-1e-12 <= s <= 1 for s in found.values())


def test_erdos_renyi_formula_and_dense_small_matrices():
    found = erdos_renyi(scores_of(wide=(200, 100), square=(50, 50), tiny=(2, 2)), 0.9)
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


def test_ties_are_broken_with_an_exact_count():
    assert int(unstructured(torch.ones(7, 3), 10, 0).sum()) == 10


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


def test_one_shot_prunes_once_at_the_end():
    schedule = OneShot(0.7, 3, 8, 2)
    assert [s for s in range(12) if schedule.is_update(s)] == [8]
    assert (schedule.sparsity(7), schedule.sparsity(8)) == (0.0, 0.7)


def test_global_is_one_threshold_for_all():
    scores = scores_of(a=(30, 20), b=(40, 10))
    scores["b"] *= 0.5
    found = DISTRIBUTIONS["global"](scores, 0.6)
    threshold = torch.cat([s.flatten() for s in scores.values()]).sort().values[599]
    for name, score in scores.items():
        assert found[name] == float((score <= threshold).double().mean())
    assert found["b"] > found["a"] > 0


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
@pytest.mark.parametrize("score", SCORES)
def test_every_combination_reaches_its_sparsity(distribution, score):
    model = small(straight_through=True)
    pruner = Pruner(OneShot(0.7, 0, 1), distribution, score)
    pruner.prepare(model)
    model(torch.randn(2, 20, 6)).square().sum().backward()
    pruner.observe(model)
    assert pruner.update(model, 1)
    assert sparsity(model)["total"] == pytest.approx(0.7, abs=0.005)


def test_fan_in_is_the_same_in_every_row():
    (score,) = scores_of(a=(7, 30)).values()
    mask = PATTERNS["fan_in"](score, 52, 0)
    assert int(mask.sum()) == 52
    assert set(mask.sum(1).tolist()) == {7, 8}
    for row, kept in zip(score, mask, strict=True):
        assert row[kept].min() > row[~kept].max()


def test_n_of_m_keeps_n_in_every_block():
    (score,) = scores_of(a=(5, 24)).values()
    mask = PATTERNS["n_of_m"](score, 30, 8)
    assert (mask.view(5, 3, 8).sum(-1) == 2).all()
    kept = score.view(5, 3, 8).topk(2).values.sum()
    assert float((score * mask).sum()) == pytest.approx(float(kept))
    with pytest.raises(ValueError, match="encoder: a matrix of 6 columns.*blocks of 4"):
        prune(small(), 0.5, pattern="n_of_m", block=4)


def test_movement_is_the_sum_of_gradient_times_weight():
    """Of B_bar: autograd through the discretisation written anew is the judge."""
    torch.manual_seed(0)
    model = small().double()
    pruner = Pruner(Constant(0.5, 0, 9), score="movement")
    block = model.blocks[1]
    expected = torch.zeros_like(block.B_re)
    for _ in range(3):
        model.zero_grad()
        model(torch.randn(2, 20, 6).double()).square().sum().backward()
        # The gradient by the real part of B_bar, when B_bar = f B moves alone.
        a = torch.polar(*(x.detach() for x in polar(block)))
        lam = torch.complex(block.lambda_re, block.lambda_im).detach()
        f = ((a - 1) / lam)[:, None]
        by_B = torch.complex(block.B_re.grad, block.B_im.grad)
        B_bar = f * torch.complex(block.B_re, block.B_im).detach()
        expected -= (by_B / f.conj()).real * B_bar.real
        pruner.observe(model)
        with torch.no_grad():
            for p in model.parameters():
                p -= 1e-4 * p.grad
    assert torch.allclose(block.B_re_movement, expected)
    assert torch.allclose(SCORES["movement"](model)["blocks.1.B_re"], expected)


def polar(block):
    dt = block.log_step.exp()
    return (block.lambda_re * dt).exp(), block.lambda_im * dt


def test_gradients_of_the_deployed_matrix_predict_the_loss():
    """A small change of B_bar changes the loss by gradient times change."""
    torch.manual_seed(0)
    model = small().double().eval()
    x = torch.randn(2, 20, 6).double()
    loss = model(x).square().sum()
    loss.backward()
    block = model.blocks[0]
    weight, gradient = block.deployed()["B_im"]
    change = 1e-6 * torch.randn_like(weight)
    *_, f_re, f_im = (f[:, None].detach() for f in block.transition())
    # The B whose B_bar has its imaginary part moved by `change`: i * change / f.
    norm = f_re**2 + f_im**2
    with torch.no_grad():
        block.B_re += change * f_im / norm
        block.B_im += change * f_re / norm
        found = (model(x).square().sum() - loss).item()
    assert found == pytest.approx(float((gradient * change).sum()), rel=1e-3)


def test_masks_and_movement_survive_a_checkpoint():
    model, other = small(), small()
    pruner = Pruner(Constant(0.5, 0, 9), score="movement")
    pruner.prepare(model)
    pruner.prepare(other)
    model(torch.randn(2, 20, 6)).square().sum().backward()
    pruner.observe(model)
    pruner.update(model, 9)
    other.load_state_dict(model.state_dict())
    pruner.update(other, 9)
    for full, owner, name in model.prunable():
        copy = dict((f, o) for f, o, _ in other.prunable())[full]
        masks = (getattr(o, f"{name}_mask") for o in (owner, copy))
        assert torch.equal(*masks)


@pytest.mark.parametrize("pattern", ["unstructured", "fan_in"])
def test_masks_are_exact_in_the_export(pattern, tmp_path):
    """Every pruned connection is absent from the file, and most others are there."""
    torch.manual_seed(0)
    model = small()
    x = torch.randn(4, 60, 6)
    with torch.no_grad():
        for _ in range(5):
            model(x)
    prune(model.eval(), 0.6, pattern=pattern)
    network = model.export_hdf5(tmp_path / "pruned.net", [x])
    pairs = [(model.encoder_mask, network.layers[0].weights)]
    pairs += [(model.decoder_mask, network.layers[-1].weights)]
    inside = {"B_re": "B_re", "B_im": "B_im", "C_re": "C_re", "C_im": "C_imn"}
    for block, layer in zip(model.blocks, network.layers[1:-1], strict=True):
        for name, deployed in (inside | {"gate": "W"}).items():
            mask = getattr(block, f"{name}_mask")
            pairs.append((mask, layer.matrices[deployed]))
    for mask, weights in pairs:
        kept = torch.from_numpy(weights.matrix.toarray() != 0)
        assert not (kept & ~mask).any()
        assert kept.sum() > 0.6 * mask.sum()  # the rest is too small for 8 bits
        if pattern == "fan_in":
            assert int(mask.sum(1).max() - mask.sum(1).min()) <= 1


def test_penalties_are_their_equations():
    x = torch.tensor([0.0, -3.0, 0.0, 3.0])
    assert float(l1(x)) == 1.5
    assert float(hoyer(x)) == 0.5  # the density of equal values
    assert float(hoyer(7 * x)) == 0.5
    assert float(hoyer(torch.zeros(3))) == 0


@pytest.mark.parametrize("kind", ["l1", "hoyer"])
def test_the_activity_penalty_makes_activations_sparse(kind):
    torch.manual_seed(0)
    model = small()
    x = torch.randn(4, 40, 6)
    penalty = ActivityPenalty(kind)
    values = []
    for _ in range(12):
        with penalty.listen(model):
            model(x)
        value = penalty.value()
        values.append(value.item())
        model.zero_grad()
        value.backward()
        with torch.no_grad():
            for p in model.parameters():
                if p.grad is not None:
                    p -= 0.2 * p.grad
    assert values[-1] < 0.97 * values[0]
    assert all(block.observer is None for block in model.blocks)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Pruner(None, score="luck"), "score is 'luck', must be one of: "),
        (lambda: Pruner(None, pattern="lines"), "pattern is 'lines'"),
        (lambda: Pruner(None, block=0), "block is 0"),
        (lambda: ActivityPenalty("l2"), "kind is 'l2'"),
        (lambda: ActivityPenalty(wires=("u",)), "wire is 'u'"),
        (lambda: OneShot(0.5, 9, 3), "from step 9 to 3"),
    ],
)
def test_wrong_names_are_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()
