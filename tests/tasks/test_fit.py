# SPDX-License-Identifier: BSD-3-Clause
"""`train.fit`: what it goes on with, what it refuses, and inputs far from zero."""

import numpy as np
import pytest
import torch

from lava_sparse_rnn import backends
from lava_sparse_rnn.nn import SparseRNN
from lava_sparse_rnn.nn.quantize import calibrate, centred, fold, quantize, unfold
from lava_sparse_rnn.tasks.arrays import Arrays
from lava_sparse_rnn.train import TrainConfig, fit, run
from lava_sparse_rnn.train.tasks import TASKS

SMALL = {"d_model": 8, "d_state": 8, "n_layers": 1, "hippo_blocks": 2}
QUICK = {
    "steps": 20, "validate_every": 20, "log_every": 20, "precision": "float32",
    "pruning": {"sparsity": 0}, "optim": {"lr": 0.01}, "quantize": {"steps": 0},
}  # fmt: skip


def silent(text):
    pass


def tones(n=60, seed=0, offset=0.0):
    """Which of two tones, with noise; around any value."""
    rng = np.random.default_rng(seed)
    labels, t = rng.integers(0, 2, n), np.arange(32)
    x = np.sin(t * np.where(labels, 0.3, 0.9)[:, None] + rng.uniform(0, 6, (n, 1)))
    return (offset + x + 0.1 * rng.standard_normal(x.shape))[..., None], labels


@pytest.mark.slow
def test_a_run_does_not_go_on_with_other_arrays(tmp_path):
    x, y = tones()
    named = {**QUICK, "name": "mine", "runs": tmp_path, "note": silent}
    first = fit(Arrays(x, y, head="mean"), SMALL, **named)
    again = fit(Arrays(x, y, head="mean"), SMALL, **named)
    assert again.network == first.network
    with pytest.raises(ValueError, match="had other arrays; choose another name"):
        fit(Arrays(x, 1 - y, head="mean"), SMALL, **named)


@pytest.mark.slow
def test_a_training_starts_from_weights_of_other_arrays(tmp_path):
    np.savez(tmp_path / "a.npz", **dict(zip("xy", tones(), strict=True)))
    np.savez(tmp_path / "b.npz", **dict(zip("xy", tones(seed=1), strict=True)))

    def config(name, **more):
        data = {"path": tmp_path / f"{name}.npz", "head": "mean"}
        given = {**QUICK, "task": "arrays", "runs": tmp_path, "model": SMALL}
        return TrainConfig(name=name, data=data, **given, **more)

    run(config("a"), silent)
    run(config("b", start=tmp_path / "a" / "float.safetensors"), silent)
    assert (tmp_path / "b" / "b.net").exists()


@pytest.mark.slow
def test_what_has_no_integers_needs_a_name(tmp_path):
    task, gelu = Arrays(*tones(), head="mean"), {**SMALL, "activation": "gelu"}
    notes: list[str] = []
    with pytest.raises(ValueError, match="with a name the run keeps its float weigh"):
        fit(task, gelu, note=notes.append, **QUICK)
    assert not notes  # and nothing was trained
    with pytest.raises(ValueError, match="cannot be quantised"):
        fit(task, gelu, name="g", runs=tmp_path, note=notes.append, **QUICK)
    assert (tmp_path / "g" / "float.safetensors").exists()


def test_settings_of_the_data_are_those_of_the_task():
    with pytest.raises(ValueError, match="data: the task has its settings already"):
        fit(Arrays(*tones(), head="mean"), SMALL, data={"batch": 4})


@pytest.mark.slow
def test_a_task_may_be_made_inside_a_function(monkeypatch):
    monkeypatch.setattr("lava_sparse_rnn.train.tasks.TASKS", TASKS)

    class Mine(Arrays):
        pass

    result = fit(Mine(*tones(), head="mean"), SMALL, note=silent, **QUICK)
    assert "<locals>.Mine" in result.network.meta["task"]
    TASKS.pop(result.network.meta["task"])


@pytest.mark.slow
@pytest.mark.parametrize("offset", [0, 500, -2000])
def test_inputs_far_from_zero_survive_rounding(offset):
    x, y = tones(n=150, offset=offset)
    settings = {**QUICK, "steps": 150, "validate_every": 150}
    result = fit(Arrays(x, y, head="mean"), SMALL, note=silent, **settings)
    assert result.scores["float"]["accuracy"] == 100
    assert result.scores["integers"]["accuracy"] >= 95
    answers = backends.answer(result.network, x)
    assert (answers.argmax(axis=1) == y).mean() >= 0.95


@pytest.mark.slow
def test_what_integers_cannot_hold_is_told():
    x, y = tones(offset=101325)
    notes: list[str] = []
    task = Arrays(np.concatenate([x, x - 101325], axis=2), y, head="mean")
    fit(task, SMALL, note=notes.append, **QUICK)
    (note,) = [n for n in notes if n.startswith("coarse")]
    assert note.startswith("coarse: input 0 moves by 0.7")
    assert "around 101325, in steps of 8: 16 bits hold both" in note


@pytest.mark.parametrize("lengths", [None, torch.tensor([3, 9, 6, 1])])
def test_the_bias_makes_good_what_rounding_moves(lengths):
    torch.manual_seed(0)
    model = SparseRNN(d_in=3, d_model=8, d_state=8, n_layers=1, d_out=2, hippo_blocks=2)
    folded = fold(model.eval())
    x = torch.tensor([300.0, 0.0, -50.0]) + torch.randn(4, 9, 3)
    given = {"lengths": None if lengths is None else [lengths]}
    ranges = calibrate(folded, [x], **given)
    plain = quantize(folded, ranges)
    better = quantize(centred(folded, plain, [x], **given), ranges)
    assert better.layers[0].weights == plain.layers[0].weights
    assert better.layers[1:] == plain.layers[1:]
    real = [x[i, :n] for i, n in enumerate([9] * 4 if lengths is None else lengths)]
    tokens = torch.cat(real).double()
    wanted = folded.layers[0].trace(tokens)["out"].mean(0).detach()
    layers = [unfold(network).layers[0] for network in (plain, better)]
    found = [layer.trace(tokens)["out"].mean(0) for layer in layers]
    errors = [float((f - wanted).abs().max()) for f in found]
    assert errors[1] < 0.05 * errors[0]
