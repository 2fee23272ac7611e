# SPDX-License-Identifier: BSD-3-Clause
"""What is said of networks that answer arrays: of which part, of which tokens."""

import json
import tempfile
from pathlib import Path

import numpy as np
import pytest
import torch

from lava_sparse_rnn import backends, spec
from lava_sparse_rnn.nn import SparseRNN
from lava_sparse_rnn.tasks._losses import LOSSES
from lava_sparse_rnn.tasks.arrays import Arrays, ArraysConfig
from lava_sparse_rnn.train import evaluate, task_of
from lava_sparse_rnn.train.tasks import Evaluation

STEPS = 6


def arrays(n=9, seed=0, head="mean", loss="cross_entropy", suffix=""):
    """Noise of unequal lengths with two labels, or two columns of targets."""
    rng = np.random.default_rng(seed)
    place = (n, STEPS) if head == "sequence" else (n,)
    labels = np.arange(np.prod(place)).reshape(place) % 2
    lengths = rng.permuted(np.arange(n) % STEPS) + 1
    return {
        f"x{suffix}": rng.standard_normal((n, STEPS, 2)),
        f"y{suffix}": labels if loss == "cross_entropy" else rng.random((*place, 2)),
        f"lengths{suffix}": lengths,
    }


def both(**how):
    return arrays(**how) | arrays(7, 1, suffix="_test", **how)


def untrained(head="mean", loss="cross_entropy", classes=None):
    """A network of two outputs that says what it was trained for."""
    torch.manual_seed(0)
    model = SparseRNN(
        d_in=2, d_model=8, d_state=8, n_layers=1, hippo_blocks=2, d_out=2, seed=0
    )
    meta = {"task": "arrays", "head": head, "loss": loss, "settings": {"head": head}}
    meta |= {} if classes is None else {"classes": classes}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "made.net"
        model.eval().export_hdf5(path, torch.randn(4, STEPS, 2), meta=meta)
        return spec.load(path)


def saved(path, values):
    np.savez(path, **values)
    return path


def scores(net, path, **how):
    with backends.create("reference", net) as stream:
        return evaluate(net, task_of(net, path, **how), stream)


def without(values, *names):
    return {name: array for name, array in values.items() if name not in names}


def explained(answers, targets):
    answers, targets = (torch.as_tensor(a).float() for a in (answers, targets))
    return float(LOSSES["mse"].score(answers, targets))


def test_a_column_is_compared_with_its_own_mean():
    """The means of columns that lie far apart explain nothing."""
    noise = np.random.default_rng(0).standard_normal((500, 2))
    targets = noise + np.array([100, 0])
    means = targets.mean(0) + np.zeros_like(targets)
    assert explained(means, targets) == pytest.approx(0, abs=1e-3)
    assert explained(targets, targets) == 100
    # A column of three times the deviation has nine times the weight.
    wide = noise * np.array([3, 1])
    share = np.square(wide - wide.mean(0)).sum(0)
    half = np.stack((wide[:, 0], np.full(500, wide[:, 1].mean())), axis=1)
    assert explained(half, wide) == pytest.approx(100 * share[0] / share.sum())
    padded = np.concatenate((targets, np.full((9, 2), np.nan)))
    assert explained(np.concatenate((means, np.ones((9, 2)))), padded) < 1e-3


def test_a_constant_target_has_a_figure():
    targets = np.full((7, 2), [0.1, 1e6])
    assert explained(targets, targets) == 100
    assert explained(targets + 1, targets) == 0


@pytest.mark.parametrize("value", [float("nan"), float("-inf")])
def test_what_is_no_number_is_null_in_json(value):
    found = Evaluation({"explained": value, "other": 1.0}).as_dict()
    assert found["figures"] == {"explained": None, "other": 1.0}


def test_the_command_writes_json_of_constant_targets(command, tmp_path):
    net, values = tmp_path / "made.net", both(loss="mse")
    untrained(loss="mse").save(net)
    values["y_test"][:] = 3.0
    path, output = saved(tmp_path / "a.npz", values), tmp_path / "scores.json"
    code, text, _ = command("evaluate", net, "--data", path, "-o", output)
    assert code == 0, text
    found = json.loads(output.read_text(), parse_constant=pytest.fail)
    assert found["figures"] == {"explained": 0.0}


def test_a_label_that_the_network_has_no_output_for_is_named(tmp_path):
    net, values = untrained(), both()
    values["y_test"][3] = 2
    path = saved(tmp_path / "a.npz", values)
    message = "the test has the label 2, the network 2 outputs; labels count from 0"
    with pytest.raises(ValueError, match=message):
        scores(net, path)
    values["y"][:] = 5
    path = saved(tmp_path / "b.npz", values)
    with pytest.raises(ValueError, match="the validation has the label 5, the network"):
        scores(net, path, split="validation")


def test_labels_that_training_lacks_do_not_matter(tmp_path):
    net, values = untrained(), both()
    wanted = scores(net, saved(tmp_path / "a.npz", values))
    values["y"][:] = 0
    found = scores(net, saved(tmp_path / "b.npz", values))
    assert found.as_dict() == wanted.as_dict()
    values["y_test"][:] = 0
    found = scores(net, saved(tmp_path / "c.npz", values))
    assert found.confusion.shape == (2, 2)


def test_a_file_with_nothing_but_a_test_is_enough(tmp_path):
    net, values = untrained(), both()
    wanted = scores(net, saved(tmp_path / "a.npz", values))
    path = saved(tmp_path / "b.npz", without(values, "x", "y", "lengths"))
    assert scores(net, path).as_dict() == wanted.as_dict()
    with pytest.raises(ValueError, match="has neither x nor x_validation; of what it"):
        task_of(net, path, split="validation")
    with pytest.raises(ValueError, match="no array x; .* score a network, not to trai"):
        Arrays.open(ArraysConfig(path=path, head="mean"), 0)
    watched = arrays(8, 2, suffix="_validation")
    path = saved(tmp_path / "c.npz", watched)
    assert scores(net, path).sequences == 8
    assert task_of(net, path).part == "validation"
    path = saved(tmp_path / "d.npz", without(values, "x"))
    with pytest.raises(ValueError, match="there is no array x; it holds y"):
        task_of(net, path)


def test_whole_numbers_are_targets_of_a_network_that_has_targets(tmp_path):
    net, values = untrained(loss="mse"), both(loss="mse")
    wanted = np.round(9 * values["y_test"])
    real = saved(tmp_path / "a.npz", values | {"y_test": wanted})
    values["y_test"] = wanted.astype(int)
    whole = saved(tmp_path / "b.npz", without(values, "x", "y", "lengths"))
    assert scores(net, whole).figures == scores(net, real).figures


def test_names_of_classes_are_those_of_the_network(tmp_path):
    path = saved(tmp_path / "a.npz", both())
    assert scores(untrained(classes=["low", "high"]), path).classes == ("low", "high")
    assert scores(untrained(classes=["low"]), path).classes == ()
    assert scores(untrained(), path).classes == ()


def test_what_was_scored_is_said(command, tmp_path):
    net, output, values = tmp_path / "made.net", tmp_path / "scores.json", both()
    untrained().save(net)

    def said(name, *more):
        arguments = ("--data", tmp_path / name, "-o", output, *more)
        code, text, error = command("evaluate", net, *arguments)
        assert code == 0, error
        return text, json.loads(output.read_text())["split"]

    saved(tmp_path / "a.npz", values)
    saved(tmp_path / "b.npz", arrays())
    text, split = said("a.npz")
    assert split == "test"
    assert "a.npz (test): 7 sequences" in text
    text, split = said("a.npz", "--split", "validation")
    assert split == "validation"
    assert "a.npz (validation): 2 sequences" in text
    text, split = said("b.npz")
    assert split == "validation"
    assert "b.npz (validation, there is no test): 2 sequences" in text


@pytest.mark.parametrize("loss", ["cross_entropy", "mse"])
@pytest.mark.parametrize("head", ["mean", "last", "sequence"])
def test_no_token_that_pads_is_run(head, loss, tmp_path):
    """So that none of what is counted on the way is of padding."""
    net, values = untrained(head, loss), both(head=head, loss=loss)
    task = task_of(net, saved(tmp_path / "a.npz", values))
    seen = []

    def model(x):
        seen.append(x.shape[0] * x.shape[1])
        return x.cumsum(0)

    found = task.evaluate(model)
    assert sum(seen) == values["lengths_test"].sum() < 7 * STEPS
    assert found.sequences == 7
    assert found.figures == pytest.approx(task.validate(model))
    assert sum(seen) > 7 * STEPS, "a validation takes all lengths at once"


def test_overflows_are_those_of_real_tokens(tmp_path):
    """Tokens of a size that the training had; what pads them has not."""
    values = both() | {"lengths": np.full(9, STEPS)}
    values["x"] = values["x"] + 1e4
    net = untrained()
    path = saved(tmp_path / "a.npz", values)
    with backends.create("reference", net) as stream:
        for x, n in zip(values["x_test"], values["lengths_test"], strict=True):
            stream.reset()
            stream.run(net.to_wire(x[:n]))
        wanted = dict(stream.counters)
    with backends.create("reference", net) as stream:
        evaluate(net, task_of(net, path), stream)
        assert dict(stream.counters) == wanted
