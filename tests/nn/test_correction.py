# SPDX-License-Identifier: BSD-3-Clause
"""Pruning in one go: who stays, what the rest is set to, and what that saves."""

import copy

import numpy as np
import pytest
import torch

from lava_sparse_rnn import nn
from lava_sparse_rnn.nn import SparseRNN
from lava_sparse_rnn.nn.sparsify import prune, prune_corrected, sparsity
from lava_sparse_rnn.nn.sparsify.correction import solve_rows


def small(**options):
    torch.manual_seed(1)
    return SparseRNN(6, 24, 16, 2, 5, hippo_blocks=2, seed=3, **options).eval()


def typical(batches=3):
    """Features that depend on each other: only then is there something to correct."""
    made = torch.Generator().manual_seed(2)
    mixed = torch.randn(6, 6, generator=made)
    return [torch.randn(4, 40, 6, generator=made) @ mixed for _ in range(batches)]


def test_rows_are_least_squares_as_numpy_solves_them():
    rng = np.random.default_rng(0)
    inputs = rng.standard_normal((200, 9)) @ rng.standard_normal((9, 9))
    rows = rng.standard_normal((4, 9))
    moments = inputs.T @ inputs / len(inputs)
    given = (torch.from_numpy(x) for x in (rows, moments))
    weights, mask = (x.numpy() for x in solve_rows(*given, count=17, damping=0.05))
    assert mask.sum() == 17
    assert not weights[~mask].any()
    # Damping as rows of the inputs: a ridge, the goal among them.
    ridge = np.sqrt(0.05 * np.trace(moments) / 9) * np.eye(9)
    stacked = np.vstack([inputs / np.sqrt(len(inputs)), ridge])
    for row, weight, kept in zip(rows, weights, mask, strict=True):
        wanted, *_ = np.linalg.lstsq(stacked[:, kept], stacked @ row, rcond=None)
        np.testing.assert_allclose(weight[kept], wanted, rtol=1e-9)


def test_a_lost_weight_costs_what_the_worth_says():
    """Losing one weight only, by brute force: the least error is the chosen one's."""
    rng = np.random.default_rng(4)
    inputs = rng.standard_normal((60, 5)) @ rng.standard_normal((5, 5))
    moments = torch.from_numpy(inputs.T @ inputs / 60)
    row = torch.from_numpy(rng.standard_normal((1, 5)))
    _, mask = solve_rows(row, moments, 4, 1e-9)
    errors = []
    for lost in range(5):
        kept = [j for j in range(5) if j != lost]
        part = torch.linalg.solve(moments[kept][:, kept], (row @ moments)[0, kept])
        change = row.clone()
        change[0, kept] -= part
        errors.append(float((change @ moments @ change.T).squeeze()))
    assert not mask[0, int(np.argmin(errors))]


@pytest.mark.parametrize("distribution", ["erk", "uniform", "global"])
def test_as_many_zeros_as_pruning_gives(distribution):
    corrected, plain = small(), small()
    prune_corrected(corrected, typical(), 0.7, distribution)
    prune(plain, 0.7, distribution)
    assert sparsity(corrected)["total"] == pytest.approx(sparsity(plain)["total"])
    for full, owner, name in corrected.prunable():
        if name in ("encoder", "decoder", "gate"):
            assert sparsity(corrected)[full] == sparsity(plain)[full]
        if name not in ("B_re", "B_im"):  # whose masks are of B_bar
            assert not getattr(owner, name)[~getattr(owner, f"{name}_mask")].any()


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"gate": "full", "activation": "gelu", "state_nonlinearity": "none"},
        {"gate": "none", "conj_sym": False},
        {"gate": "half2", "discretisation": "bilinear", "head": "mean"},
    ],
)
def test_answers_stay_nearer_than_with_pruning_alone(options):
    whole = small(**options)
    x = typical()
    held = typical(4)[-1]
    with torch.no_grad():
        wanted = whole(held)
        errors = []
        for cut in (prune, lambda m, s: prune_corrected(m, x, s)):
            model = copy.deepcopy(whole)
            cut(model, 0.6)
            errors.append(float((model(held) - wanted).square().mean()))
    assert errors[1] < 0.5 * errors[0]


@pytest.mark.parametrize("head", ["sequence", "mean", "last"])
def test_padding_does_not_count(head):
    """A padded batch is what its sequences are one by one, up to float64's rounding."""
    padded, single = small(head=head).double(), small(head=head).double()
    x, lengths = typical(1)[0].double(), torch.tensor([40, 3, 17, 1])
    for row, n in zip(x, lengths, strict=True):
        row[n:] = 100.0
    given = iter([x, x[:0], x])  # one batch has no sequence, one has no padding
    ends = [lengths, None, None]
    one_by_one = [row[None, :n] for row, n in zip(x, lengths, strict=True)]
    errors = prune_corrected(padded, given, 0.6, lengths=ends)
    assert errors == pytest.approx(prune_corrected(single, [*one_by_one, x], 0.6))
    for name, value in padded.state_dict().items():
        wanted = single.state_dict()[name]
        torch.testing.assert_close(value, wanted, rtol=1e-6, atol=1e-9, msg=name)
    for owner, name in ((padded, "encoder"), (padded.blocks[1], "gate")):
        before = small(head=head).double()
        before = before if name == "encoder" else before.blocks[1]
        assert not torch.equal(getattr(owner, name), getattr(before, name))


def test_lengths_that_do_not_fit_are_refused():
    model, x = small(), typical(2)
    ends = torch.tensor([40, 3, 17, 1])
    with pytest.raises(ValueError, match="lengths are of 1 batches, there are more"):
        prune_corrected(model, x, lengths=ends)
    with pytest.raises(ValueError, match="lengths go from 1 to 41; they must lie in"):
        prune_corrected(model, x[0], lengths=torch.tensor([40, 3, 41, 1]))
    with pytest.raises(ValueError, match=r"batch 0 is of torch\.complex64; expected"):
        prune_corrected(model, [x[0] + 1j])


def test_nothing_changes_where_nothing_is_pruned():
    whole, model = small(), small()
    errors = prune_corrected(model, typical(), 0.0)
    assert max(errors.values()) < 1e-9
    x = typical()[0]
    torch.testing.assert_close(model(x), whole(x), rtol=1e-3, atol=1e-4)
    names = {"encoder", "decoder"} | {
        f"blocks.{i}.{m}" for i in range(2) for m in ("B", "C", "gate")
    }
    assert set(errors) == names


@pytest.mark.parametrize("dead", ["input", "block"])
def test_where_nothing_arrives_weights_stay_as_they_are(dead):
    whole, x = small(), typical(1)
    if dead == "input":
        x = [torch.zeros(2, 5, 6)]
    else:
        with torch.no_grad():
            whole.encoder.zero_()
            whole.encoder_bias.fill_(-1.0)
            for block in whole.blocks:
                block.norm.bias.zero_()
    model = copy.deepcopy(whole)
    prune_corrected(model, x, 0.6)
    assert all(torch.isfinite(v).all() for v in model.state_dict().values())
    name = {"input": "encoder", "block": "gate"}[dead]
    first = (model, whole) if dead == "input" else (model.blocks[0], whole.blocks[0])
    new, old = (getattr(owner, name) for owner in first)
    kept = getattr(first[0], f"{name}_mask")
    assert kept.any()
    torch.testing.assert_close(new, old * kept)


def test_mode_type_and_observers_are_as_before():
    model = small().train()
    model.set_compute_dtype(torch.bfloat16)
    seen = []
    model.blocks[0].observer = lambda name, value: seen.append(name)
    before = model.blocks[0].observer
    prune_corrected(model, typical(1), 0.5)
    assert model.training
    assert model.compute_dtype == torch.bfloat16
    assert model.blocks[0].observer is before
    assert model.blocks[0].fused


def test_the_file_has_the_zeros():
    model = small()
    prune_corrected(model, typical(), 0.8)
    block, folded = model.blocks[0], model.fold().layers[1]
    for name, matrix in (
        *(("B_re", folded.B_re), ("B_im", folded.B_im), ("C_re", folded.C_re)),
        *(("C_im", folded.C_imn), ("gate", folded.W)),
    ):
        assert torch.equal(matrix != 0, getattr(block, f"{name}_mask"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((torch.nn.Linear(2, 2), typical()), "model is .*expected a nn.SparseRNN"),
        ((small(), []), "no token"),
        ((small(), [torch.zeros(1, 0, 6)]), "no token"),
        ((small(), [torch.zeros(1, 3, 5)]), r"batch 0 is \(1, 3, 5\)"),
        ((small(), [torch.full((1, 3, 6), torch.nan)]), "not finite"),
        ((small(), typical(), 1.5), "sparsity"),
        ((small(), typical(), 0.5, "even"), "distribution"),
    ],
)
def test_what_it_cannot_take(arguments, message):
    with pytest.raises(ValueError, match=message):
        prune_corrected(*arguments)


def test_damping_is_above_zero():
    with pytest.raises(ValueError, match="damping"):
        nn.sparsify.prune_corrected(small(), typical(), damping=0)
