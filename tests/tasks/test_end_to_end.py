# SPDX-License-Identifier: BSD-3-Clause
"""From arrays of every kind to every way to run what was trained: the same integers."""

import shutil
import subprocess

import numpy as np
import pytest

from lava_sparse_rnn import backends, c_export, loihi2, spec
from lava_sparse_rnn.loihi2 import deployment
from lava_sparse_rnn.tasks.arrays import Arrays
from lava_sparse_rnn.train import evaluate, fit, task_of

pytestmark = pytest.mark.slow

N, STEPS = 40, 7
BACKENDS = sorted(backends.BACKENDS)
QUICK = {
    "steps": 6, "validate_every": 6, "log_every": 6, "precision": "float32",
    "pruning": {"sparsity": 0.5, "every": 1},
    "quantize": {"steps": 2, "calibration_batches": 1},
}  # fmt: skip


def material(kind):
    """Sequences far from mean 0, what is asked of them, their lengths, the head."""
    rng = np.random.default_rng(1)
    x = 3 * rng.standard_normal((N, STEPS, 2)) + 5
    lengths = rng.integers(1, STEPS + 1, N)
    unequal = np.where((np.arange(STEPS) < lengths[:, None])[..., None], x, np.nan)
    labels = rng.integers(0, 3, N)
    return {
        "labels, mean": (unequal, labels, lengths, "mean"),
        "targets, last": (unequal, rng.standard_normal((N, 2)), lengths, "last"),
        "targets of tokens": (unequal, unequal - 5, lengths, "sequence"),
        "labels of tokens": (x, (x[..., 0] > 5).astype(int), None, "sequence"),
        "one token, mean": (x[:, :1], labels, None, "mean"),
        "one token, last": (x[:, :1], x[:, 0, :1] - 5, None, "last"),
    }[kind]


def same(found, wanted):
    assert len(found) == len(wanted)
    for one, other in zip(found, wanted, strict=True):
        assert np.array_equal(one, other)


@pytest.mark.parametrize(
    "kind",
    [
        *("labels, mean", "targets, last", "targets of tokens", "labels of tokens"),
        *("one token, mean", "one token, last"),
    ],
)
def test_all_integers_are_equal(kind, tmp_path):
    proc = pytest.importorskip("lava_sparse_rnn.proc")
    x, y, lengths, head = material(kind)
    task = Arrays(x, y, lengths, head=head, batch=8)
    sizes = {"d_model": 8, "d_state": 8, "n_layers": 1, "hippo_blocks": 2}
    result = fit(task, sizes, note=lambda text: None, **QUICK)
    result.network.save(tmp_path / "made.net")
    net = spec.load(tmp_path / "made.net")
    assert spec.head_of(net) == head
    ends = np.full(N, x.shape[1]) if lengths is None else lengths
    real = [row[:end] for row, end in zip(x[:8], ends, strict=False)]
    wires = [net.to_wire(row) for row in real]
    wanted = spec.reference.run(net, wires)
    for layered in (False, True):
        same(proc.run(net, wires, layered=layered), wanted)
    same(proc.run(net, wires, "microcode"), wanted)
    _pooled_alike(net, head, real, wanted)
    _scored_alike(net, x, y, lengths, tmp_path / "data.npz")
    _mapped(net, wires, tmp_path / "bundle")
    same(list(_by_onnx(net, wires)), wanted)
    if shutil.which("cc"):
        same(_by_c(net, wires, tmp_path / "c"), wanted)


def _pooled_alike(net, head, real, wanted):
    """Every backend has the answers that the head makes of these integers."""
    expected = [net.from_wire(answers) for answers in wanted]
    if head == "last":
        expected = [answers[-1] for answers in expected]
    answers = {name: backends.answer(net, real, backend=name) for name in BACKENDS}
    for found in answers.values():
        same(found, answers["reference"])
    for found, rows in zip(answers["reference"], expected, strict=True):
        rows = rows.mean(axis=0) if head == "mean" else rows
        np.testing.assert_allclose(found, rows, rtol=1e-12, atol=1e-12)


def _scored_alike(net, x, y, lengths, path):
    """What `evaluate` finds is the same of every backend."""
    ends = {} if lengths is None else {"lengths": lengths, "lengths_test": lengths[:8]}
    np.savez(path, x=x, y=y, x_test=x[:8], y_test=y[:8], **ends)
    found = []
    for name in BACKENDS:
        with backends.create(name, net) as stream:
            found.append(evaluate(net, task_of(net, path), stream).as_dict())
    assert all(scores == found[0] for scores in found)
    assert found[0]["sequences"] == 8


def _mapped(net, wires, path):
    """A mapping counts sequence by sequence, and a bundle has these answers."""
    mapping = loihi2.map_network(net)
    counts = loihi2.count(net, wires, mapping)
    assert counts.lengths == tuple(map(len, wires))
    alone = [loihi2.count(net, row, mapping).synops.sum() for row in wires]
    assert counts.synops.sum() == sum(alone)
    loihi2.write_bundle(net, path, mapping, wires)
    for mode in deployment.MODES:
        assert deployment.check(deployment.load_bundle(path), "cpu", mode).equal


def _by_onnx(net, wires):
    pytest.importorskip("onnxruntime")
    onnx = pytest.importorskip("lava_sparse_rnn.interchange.onnx")
    session = onnx.Session(onnx.export(net, "sequence"))
    for row in wires:
        session.reset()
        yield session.run(row[None])["y"][0]


def _by_c(net, wires, folder):
    made = c_export.export(net, "made")
    made.write(folder, main=True)
    sources = [str(folder / name) for name in (*made.sources, made.main)]
    program = str(folder / "program")
    subprocess.run(["cc", "-std=c99", *sources, "-o", program], check=True)
    kinds = [f"<i{1 if b <= 8 else 2 if b <= 16 else 4}" for b in _bits(net)]
    done = subprocess.run(
        [program, *(str(len(row)) for row in wires)],
        input=np.concatenate(wires).astype(kinds[0]).tobytes(),
        capture_output=True,
        check=True,
    )
    answers = np.frombuffer(done.stdout, kinds[1]).reshape(-1, net.d_out)
    return np.split(answers, np.cumsum([len(row) for row in wires])[:-1])


def _bits(net):
    return net.layers[0].inp.bits, net.layers[-1].out.bits
