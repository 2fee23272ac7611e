# SPDX-License-Identifier: BSD-3-Clause
"""Arrays of one's own: checked, split, trained on, and the integers that come out."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch

from lava_sparse_rnn import spec
from lava_sparse_rnn.nn.heads import HEADS
from lava_sparse_rnn.tasks.arrays import Arrays, ArraysConfig
from lava_sparse_rnn.train import TrainConfig, complete, fit, open_float, stages
from lava_sparse_rnn.train.distributed import Group

SMALL = {"d_model": 8, "d_state": 8, "n_layers": 1, "hippo_blocks": 2}
QUICK = {
    "steps": 60, "validate_every": 30, "log_every": 60, "precision": "float32",
    "pruning": {"sparsity": 0.5, "every": 5}, "optim": {"lr": 0.01},
    "quantize": {"steps": 10, "calibration_batches": 2},
}  # fmt: skip


def silent(text):
    pass


def slopes(n=80, steps=12, unequal=False, seed=0):
    """Noisy ramps: label 0 falls, 1 rises; far from mean 0 and deviation 1."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, n)
    lengths = rng.integers(5, steps + 1, n) if unequal else np.full(n, steps)
    t = np.arange(steps)
    x = np.where(y, 1, -1)[:, None, None] * t[None, :, None] * np.array([1.0, -0.5])
    x = 300 + 8 * (x + rng.standard_normal(x.shape))
    x[t >= lengths[:, None]] = np.nan  # what is behind the end is nobody's business
    return x, y, lengths


def integers_accuracy(result, task):
    """Of the reference executor on what was kept apart, sequence by sequence."""
    part, network = task._validation, result.network
    right = 0
    for x, y, length in zip(part.x, part.y, part.lengths, strict=True):
        answers = spec.reference.run(network, network.to_wire(x[:length]))
        real = network.from_wire(answers)[:, None]
        pooled = HEADS[network.meta["head"]](torch.from_numpy(real))
        right += int(pooled.argmax()) == y
    return 100 * right / len(part)


@pytest.mark.slow
@pytest.mark.parametrize("head", ["mean", "last"])
def test_ten_lines_from_arrays_to_integers(head):
    x, y, lengths = slopes(unequal=True)
    task = Arrays(x, y, lengths, head=head, batch=16)
    result = fit(task, SMALL, note=silent, **QUICK)
    assert list(result.scores) == ["float", "post-training quantisation", "integers"]
    assert result.scores["integers"]["accuracy"] >= 80
    assert result.scores["integers"]["accuracy"] == pytest.approx(
        integers_accuracy(result, task), abs=1e-9
    )
    assert result.network.meta["head"] == head
    assert (result.network.d_in, result.network.d_out) == (2, 2)
    table = result.table()
    assert re.search(r"^\| integers \| \d+\.\d\d \|$", table, re.MULTILINE)
    assert "weights are not zero" in table


@pytest.mark.slow
def test_a_target_for_every_token():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((40, 20, 1))
    changes = {"steps": 120, "pruning": {"sparsity": 0}}
    task = Arrays(x, abs(x), batch=8)
    result = fit(task, SMALL, note=silent, **{**QUICK, **changes})
    assert result.scores["float"]["explained"] > 90
    assert result.scores["integers"]["explained"] == pytest.approx(
        result.scores["float"]["explained"], abs=5
    )


def test_the_network_takes_the_arrays_as_they_are(tmp_path):
    x, y, _ = slopes()
    task = Arrays(x, y, head="last")
    torch.manual_seed(0)
    stage = open_float(TrainConfig(task="arrays", runs=tmp_path, **QUICK), task)
    batch = tuple(torch.from_numpy(a) for a in task._validation.take(np.arange(4)))
    stage.model.eval()
    folded = task.finish(stage.model.fold(), stage.forward, 0, 1, silent)
    wanted = stage.model(task.features(batch).float())
    found = folded.trace(batch[0].double().transpose(0, 1))[-1]["out"].transpose(0, 1)
    torch.testing.assert_close(found, wanted.double(), rtol=1e-3, atol=1e-3)
    assert torch.equal(task.deployed().features(batch), batch[0])
    assert abs(task.features(batch).mean().item()) < 1


def test_every_sequence_comes_once_before_any_comes_again():
    x, y, _ = slopes(n=23)
    x[:, 0, 0] = np.arange(23)
    task = Arrays(x, y, head="last", batch=6, share=0.2)
    rows = task.batches(3, 0, Group())
    seen = [float(v) for _ in range(12) for v in next(rows)[0][:, 0, 0]]
    assert sorted(seen[:18]) == sorted(seen[18:36]) == sorted(set(seen))
    assert seen[:18] != seen[18:36]
    later = task.batches(3, 5, Group())
    assert np.array_equal(next(later)[0][:, 0, 0], seen[30:36])
    kept = set(task._validation.x[:, 0, 0].tolist())
    assert len(kept) == 5
    assert not kept & set(seen)
    halves = [next(task.batches(3, 2, Group(rank, 2))) for rank in (0, 1)]
    assert [float(v) for b in halves for v in b[0][:, 0, 0]] == seen[12:18]
    with pytest.raises(ValueError, match=r"data.batch is 6.*multiple of the 4"):
        next(task.batches(3, 0, Group(0, 4)))


@pytest.mark.slow
def test_a_file_and_the_command_s_settings(tmp_path):
    x, y, lengths = slopes(unequal=True)
    path = tmp_path / "ramps.npz"
    np.savez(path, x=x, y=y, lengths=lengths)
    values = {
        **QUICK, "steps": 20, "task": "arrays", "runs": tmp_path, "model": SMALL,
        "data": {"path": path, "head": "mean", "batch": 16},
    }  # fmt: skip
    config = TrainConfig.model_validate(values)
    assert config.name == "arrays"
    result = complete(config, silent)
    assert result.path == tmp_path / "arrays" / "arrays.net"
    assert spec.load(result.path) == result.network
    assert json.loads((tmp_path / "arrays" / "config.json").read_text())["data"][
        "head"
    ] == ("mean")
    again = complete(config, silent)
    assert again.network == result.network
    np.savez(path, x=x + 1, y=y, lengths=lengths)
    with pytest.raises(ValueError, match="had other arrays"):
        complete(config, silent)


@pytest.mark.slow
def test_a_stopped_training_on_arrays_goes_on_bit_for_bit(tmp_path):
    x, y, _ = slopes()
    few = {"steps": 20, "validate_every": 10, "log_every": 20}
    values = {**QUICK, **few, "task": "arrays", "runs": tmp_path, "model": SMALL}
    whole = TrainConfig(name="whole", **values)
    expected = complete(whole, silent, Arrays(x, y, head="last"))
    parts = TrainConfig(name="parts", **values)
    open_float(parts, Arrays(x, y, head="last")).fit(until=13)
    found = complete(parts, silent, Arrays(x, y, head="last"))
    assert found.network == expected.network


@pytest.mark.slow
def test_the_page_keeps_its_word(tmp_path, monkeypatch, capsys):
    """docs/training.md, with fewer steps."""
    page = (Path(__file__).parents[2] / "docs" / "training.md").read_text("utf-8")
    code = re.search(r"```python\n(.*?)```", page, re.DOTALL)[1]
    for long, short in {"steps=300": "steps=60", '"steps": 50': '"steps": 5'}.items():
        assert long in code
        code = code.replace(long, short)
    monkeypatch.chdir(tmp_path)
    names = {}
    exec(compile(code, "docs/training.md", "exec"), names)
    assert spec.load(tmp_path / "tones.net") == names["network"]
    assert names["result"].scores["integers"]["accuracy"] > 60
    assert "| integers |" in capsys.readouterr().out


X = np.zeros((4, 3, 2))


@pytest.mark.parametrize(
    ("x", "y", "more", "message"),
    [
        (X[0], [0, 1], {}, r"x has shape \(3, 2\); expected \(N, T, d_in\)"),
        (X, [0, 1, 0], {"head": "last"}, r"y is int64 of shape \(3,\).*shape \(4,\)"),
        (X, [0, 1, 0, 1], {}, r"shape \(4,\); labels are integers of shape \(4, 3\)"),
        (
            *(X, [0, 1, 0], {}),
            r"labels are .* \(4, 3\); data.head is sequence, its default: an answer a "
            r"token; data.head=mean or last, .* would want \(4, ...\); x has 4 "
            "sequences, y has 3$",
        ),
        (X, [0.5, 1.5], {"head": "mean"}, "data.head is mean: .*; x has 4 .* y has 2$"),
        (X, [0, 1, 0, -2], {"head": "mean"}, "label -2; labels count from 0"),
        (X + 1j, [0, 1, 0, 1], {"head": "mean"}, "x is complex; expected real"),
        (X, [0.0, 1.0, np.inf, 0], {"head": "mean"}, "targets that are not finite"),
        (X, np.zeros((4, 2)), {}, r"targets are numbers of shape \(4, 3, d_out\)"),
        (X + np.nan, [0, 1, 0, 1], {"head": "last"}, r"x\[0, 0, 0\] is nan"),
        (X, [0, 1, 0, 1], {"head": "last", "lengths": [3, 3, 4, 1]}, "from 1 to 4"),
        (X, [0, 1, 0, 1], {"head": "last", "lengths": [3.0] * 4}, "lengths are float"),
        (X, [0, 1, 0, 1], {"head": "nope"}, 'head is "nope", must be one of'),
        (X[:1], [0], {"head": "last"}, "x has 1 sequence; at least 2"),
        (
            X,
            [0, 1, 2, 1 << 40],
            {"head": "last"},
            "label 1099511627776; .* below 65536",
        ),
        (X, np.full(4, 1 << 63, np.uint64), {"head": "last"}, "label 9223372036854775"),
        (
            X,
            [0, 1, 0, 1],
            {"head": "last", "validation": 3},
            r"validation is 3; expected \(x, y\) or",
        ),
        (X, [0, 1, 0, 1], {"head": "last", "validation": (X,)}, "called share"),
        (
            X,
            [0, 1, 0, 1],
            {"head": "last", "validation": "xy"},
            "validation is 'xy'; expected",
        ),
        ([[[1.0]], [[1.0], [2.0]]], [0, 1], {}, r"x is no array .*\(N, T, d_in\)"),
        (X.astype(str), [0, 1, 0, 1], {}, "x is of type <U32; expected real numbers"),
        (X, ["a"] * 4, {"head": "last"}, r"y is of type <U1; .* shape \(4, ...\)"),
        (X, [0, [1], 0, 1], {"head": "last"}, "y is no array"),
        (X, [0, 1, 0, 1], {"lengths": "3333"}, "lengths is of type <U4; expected"),
        (X + 1e300, [0, 1, 0, 1], {"head": "last"}, r"x\[0, 0, 0\] is inf; all have"),
    ],
)
def test_what_does_not_fit_is_named(x, y, more, message):
    with pytest.raises(ValueError, match=message):
        Arrays(x, y, **more)


@pytest.mark.parametrize("head", ["sequence", "last"])
def test_a_correction_is_of_real_tokens(head, monkeypatch):
    """What pads sequences is told, so that it does not count."""
    rng = np.random.default_rng(0)
    x, lengths = rng.standard_normal((8, 9, 2)), np.arange(2, 10)
    y = rng.integers(0, 3, (8, 9) if head == "sequence" else 8)
    task = Arrays(x, y, lengths, head=head, batch=4)
    seen = []

    def record(model, batches, *how, lengths):
        seen.extend(zip(batches, lengths, strict=True))

    monkeypatch.setattr(stages, "prune_corrected", record)
    pruning = {"schedule": "one_shot", "correction": 2, "start": 0.5, "end": 0.5}
    fit(task, SMALL, steps=2, pruning=pruning, quantize={"steps": 0}, note=silent)
    assert len(seen) == 2
    for features, ends in seen:
        assert features.shape[:2] == (4, int(ends.max()))
        assert len(set(ends.tolist())) > 1


def test_fit_names_what_is_no_task_and_no_model():
    with pytest.raises(ValueError, match="task is 3; expected a train.Task"):
        fit(3)
    with pytest.raises(ValueError, match="model is 3; expected a mapping"):
        fit(Arrays(X, [0, 1, 0, 1], head="last"), 3)


BAD_FOLDERS = [
    ({"name": "x" * 300}, ValueError, "name: has 300 bytes, must have at most 200"),
    ({"name": "é" * 101}, ValueError, "name: has 202 bytes, must have at most 200"),
    ({"name": "a/b"}, ValueError, r'name is "a/b", must match'),
    ({"name": "a\0b"}, ValueError, "must match"),
    ({"name": "a\n"}, ValueError, "must match"),
    ({"name": "a", "runs": ""}, ValueError, "runs: path: '' is empty, no file has"),
    ({"name": "a", "runs": "b\0"}, ValueError, "holds a NUL character, no file has"),
    ({"name": "a", "runs": "file"}, OSError, "file/a: a part of this path is no folde"),
    ({"name": "file", "runs": "."}, OSError, "file: is a file, a folder is needed"),
    ({"name": "a", "runs": "y" * 300}, OSError, "the name is too long for the file"),
    ({"start": ""}, ValueError, "start: path: '' is empty, no file has such a name"),
]


@pytest.mark.parametrize(("settings", "kind", "message"), BAD_FOLDERS)
def test_a_folder_that_cannot_be_is_named(
    settings, kind, message, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    Path("file").write_text("")
    with pytest.raises(kind, match=message) as caught:
        fit(Arrays(X, [0, 1, 0, 1], head="last"), SMALL, **QUICK, **settings)
    assert "Errno" not in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_path_of_a_task_is_not_empty():
    with pytest.raises(ValueError, match="'' is empty, no file has such a name"):
        ArraysConfig(path="")


def test_validation_of_another_kind_is_refused():
    other = np.zeros((2, 3, 5)), [0, 1]
    with pytest.raises(ValueError, match="columns of x: 2 in training and 5"):
        Arrays(X, [0, 1, 0, 1], validation=other, head="last")


def test_a_file_that_is_none_is_named(tmp_path):
    def opened(path):
        return Arrays.open(ArraysConfig(path=path), 0)

    with pytest.raises(ValueError, match="data.path is missing"):
        Arrays.open(ArraysConfig(), 0)
    with pytest.raises(ValueError, match=r"none\.npz does not exist"):
        opened(tmp_path / "none.npz")
    text = tmp_path / "text.npz"
    text.write_text("no archive")
    with pytest.raises(ValueError, match=r"text\.npz is no \.npz"):
        opened(text)
    one = tmp_path / "one.npy"
    np.save(one, X)
    np.savez(text, x=np.array([{}]), y=np.zeros(1))
    with pytest.raises(ValueError, match=r"text\.npz is no \.npz of numbers$"):
        opened(text)
    with pytest.raises(ValueError, match=r"is a folder, an \.npz is needed"):
        opened(tmp_path)
    with pytest.raises(ValueError, match="one array, not several with names"):
        opened(one)
    np.savez(tmp_path / "bare.npz", x=X)
    with pytest.raises(ValueError, match=r"bare\.npz: there is no array y; it holds x"):
        opened(tmp_path / "bare.npz")
