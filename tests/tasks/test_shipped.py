# SPDX-License-Identifier: BSD-3-Clause
"""Networks that are shipped for tasks: what they say, and their integers."""

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from lava_sparse_rnn import backends, c_export, loihi2, spec
from lava_sparse_rnn.loihi2 import deployment
from lava_sparse_rnn.train import find_task

DATA = Path(__file__).parents[2] / "data"
NETWORKS = [
    path
    for path in sorted(DATA.glob("*.net"))
    if spec.load(path).meta.get("task") not in (None, "denoise")
]
CARD = (DATA / "TASKS.md").read_text("utf-8")


@pytest.mark.parametrize("path", NETWORKS, ids=lambda p: p.stem)
def test_it_knows_its_task(path):
    network = spec.load(path)
    task = find_task(network.meta["task"])
    settings = task.Settings.model_validate(network.meta["settings"])
    assert settings.path is None
    assert network.meta["classes"] == list(task.classes)
    assert network.d_out == len(task.classes)
    assert spec.head_of(network) == "mean"
    assert path.stat().st_size <= 100_000
    assert f"`{path.name}`" in CARD


def sequences(network):
    """Two of unequal lengths, and the reference's answers."""
    fmt = network.layers[0].inp.format
    rng = np.random.default_rng(0)
    x = [
        rng.integers(fmt.lowest // 4, fmt.highest // 4, (n, network.d_in))
        for n in (7, 4)
    ]
    return x, spec.reference.run(network, x)


@pytest.mark.parametrize("name", sorted(backends.BACKENDS))
@pytest.mark.parametrize("path", NETWORKS, ids=lambda p: p.stem)
def test_the_same_integers_everywhere(path, name):
    if name == "lava":
        pytest.importorskip("lava")
    network = spec.load(path)
    x, expected = sequences(network)
    with backends.create(name, network) as stream:
        for tokens, wanted in zip(x, expected, strict=True):
            stream.reset()
            assert np.array_equal(stream.run(tokens), wanted)


@pytest.mark.parametrize("path", NETWORKS, ids=lambda p: p.stem)
def test_the_same_integers_in_c(path, tmp_path):
    if (compiler := shutil.which("gcc")) is None:
        pytest.skip("no compiler")
    network = spec.load(path)
    assert {network.layers[0].inp.bits, network.layers[-1].out.bits} <= {8, 16}
    x, expected = sequences(network)
    c_export.export(network, "net").write(tmp_path, main=True)
    sources = [tmp_path / "net.c", tmp_path / "net_main.c"]
    program = tmp_path / "net"
    subprocess.run([compiler, "-std=c99", "-O1", *sources, "-o", program], check=True)
    done = subprocess.run(
        [program, *(str(len(tokens)) for tokens in x)],
        input=np.concatenate(x).astype(np.int16).tobytes(),
        capture_output=True,
        check=True,
    )
    found = np.frombuffer(done.stdout, np.int16).reshape(-1, network.d_out)
    assert np.array_equal(found, np.concatenate(expected))


@pytest.mark.parametrize("path", NETWORKS, ids=lambda p: p.stem)
def test_the_same_integers_core_by_core(path, tmp_path):
    network = spec.load(path)
    x, expected = sequences(network)
    mapping = loihi2.map_network(network)
    bundle = loihi2.write_bundle(network, tmp_path / "b", mapping, golden=x)
    assert all(map(np.array_equal, bundle.split(bundle.golden_output), expected))
    assert deployment.check(bundle, "cpu").equal
