# SPDX-License-Identifier: BSD-3-Clause
"""The CPU backend, against the reference and against counts from matrix products."""

import dataclasses
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lava_sparse_rnn import loihi2, spec
from lava_sparse_rnn.fixed_point import OverflowCounters
from lava_sparse_rnn.loihi2 import deployment
from lava_sparse_rnn.loihi2.counts import PER_CORE


def deployed(bundle, mode="pipelined"):
    backend = deployment.CpuBackend()
    backend.load(bundle, mode)
    return backend


@pytest.fixture(scope="module")
def three_chips(tmp_path_factory):
    """A network on three small chips, several cores per group."""
    chip = dataclasses.replace(
        loihi2.Chip(),
        name="tiny",
        neurons_per_core=6,
        routers_x=5,
        routers_y=3,
        cores_per_router=2,
        cores=9,
    )
    network = spec.random_network(np.random.default_rng(8), 7, 12, 9, 5, 2, 0.4)
    mapping = loihi2.map_network(network, loihi2.Board("b", 4, chip), 24)
    assert mapping.chips == 3
    x = np.random.default_rng(0).integers(-30000, 30000, (9, network.d_in))
    x[::2, ::2] = 0
    path = tmp_path_factory.mktemp("bundle") / "b"
    return network, mapping, loihi2.write_bundle(network, path, mapping, x)


@pytest.mark.slow
@pytest.mark.parametrize("mode", deployment.MODES)
def test_every_policy(paired_recipe, mode, tmp_path, random_tokens):
    rng = np.random.default_rng(5)
    network = spec.random_network(rng, 5, 8, 6, 4, 1, recipe=paired_recipe)
    x = random_tokens(network, 8)
    bundle = loihi2.write_bundle(
        network, tmp_path / "b", loihi2.map_network(network, cores=9), x
    )
    backend = deployed(bundle, mode)
    counters = OverflowCounters()
    expected = spec.reference.run(network, x, counters=counters)
    assert np.array_equal(backend.run(x), expected)
    assert +backend.overflows == +counters
    assert counters.total() > 0
    # A run begins from zero: states and messages of the last one are gone.
    assert np.array_equal(backend.run(x), expected)
    assert np.array_equal(backend.run(x[:1]), expected[:1])
    assert backend.run(x[:0]).shape == (0, network.d_out)


@pytest.mark.slow
@settings(max_examples=25)
@given(
    seed=st.integers(0, 999),
    sizes=st.lists(st.integers(1, 9), min_size=4, max_size=4),
    density=st.floats(0.05, 1.0),
    blocks=st.integers(0, 2),
    extra=st.integers(0, 9),
    mode=st.sampled_from(deployment.MODES),
)
def test_any_network(tmp_path_factory, seed, sizes, density, blocks, extra, mode):
    rng = np.random.default_rng(seed)
    network = spec.random_network(rng, *sizes, blocks, density)
    cores = network.latency + extra
    mapping = loihi2.map_network(network, cores=cores)
    path = tmp_path_factory.mktemp("any") / "b"
    bundle = loihi2.write_bundle(network, path, mapping, seed=seed)
    result = deployment.check(bundle, "cpu", mode)
    assert result.equal, result.message
    shutil.rmtree(path)


def assert_counts(backend, tally):
    counted = backend.counters(idle=False)
    assert set(counted) == set(PER_CORE)
    for name, values in counted.items():
        expected = tally.per_core[name].sum(axis=0)
        assert np.array_equal(values, expected), name
    return counted


@pytest.mark.parametrize("mode", deployment.MODES)
def test_counts_are_those_of_the_traces(three_chips, mode):
    network, mapping, bundle = three_chips
    x = bundle.golden_input
    backend = deployed(bundle, mode)
    assert np.array_equal(backend.run(x), bundle.golden_output)
    counted = assert_counts(backend, loihi2.count(network, x, mapping).real)
    for name in ("hops_east_west", "hops_north_south", "chip_crossings"):
        assert counted[name].sum() > 0


def test_counts_step_by_step(three_chips):
    bundle = three_chips[2]
    backend = deployed(bundle, "fall_through")
    seen = []
    backend.run(bundle.golden_input[:2], lambda t: seen.append(backend.counters()))
    latency = bundle.manifest.network.latency
    assert len(seen) == 2 * latency + 1
    updates = np.array([c["neuron_updates"] for c in seen])
    neurons = [core.neurons for core in bundle.manifest.cores]
    assert np.array_equal(updates, np.outer(np.arange(1, len(seen) + 1), neurons))
    for name, values in backend.counters().items():
        assert np.array_equal(seen[-1][name], values)


def test_dense_counts(tmp_path):
    network = spec.random_network(np.random.default_rng(1), 6, 8, 7, 5, 1, 0.95)
    mapping = loihi2.map_network(network, cores=12)
    bundle = loihi2.write_bundle(network, tmp_path / "b", mapping)
    backend = deployed(bundle)
    assert np.array_equal(backend.run(bundle.golden_input), bundle.golden_output)
    x = bundle.golden_input
    counted = assert_counts(backend, loihi2.count(network, x, mapping).real)
    assert counted["dense_synops"].sum() > counted["sparse_synops"].sum() > 0


def test_idle_steps(three_chips):
    """A token more in fall-through is latency - 1 idle steps more."""
    network, mapping, bundle = three_chips
    x = bundle.golden_input
    idle = loihi2.count(network, x, mapping).idle
    totals = []
    for tokens in (3, 4):
        backend = deployed(bundle, "fall_through")
        backend.run(x[:tokens])
        totals.append(backend.counters(idle=True))
        steps = backend.counters()["neuron_updates"] / mapping.neurons
        assert np.array_equal(steps, [tokens * network.latency + 1] * len(mapping))
    assert idle.per_core["spikes"].sum() > 0  # biases speak
    for name in PER_CORE:
        more = totals[1][name] - totals[0][name]
        expected = (network.latency - 1) * idle.per_core[name][0]
        assert np.array_equal(more, expected), name


@pytest.mark.slow
def test_the_bundle_is_all_it_needs(three_chips, tmp_path):
    """In a process of its own, elsewhere, and without the network's rooms."""
    bundle = three_chips[2]
    moved = Path(shutil.copytree(bundle.path, tmp_path / "moved"))
    code = f"""
        import builtins, io, sys
        from lava_sparse_rnn.loihi2 import deployment
        opened = []
        sys.addaudithook(
            lambda event, a: event == "open" and opened.append(str(a[0]))
        )
        result = deployment.check(deployment.load_bundle({str(moved)!r}))
        assert result.equal, result.message
        inside = [name for name in opened if name.startswith({str(moved)!r})]
        data = [n for n in opened if n.endswith((".net", ".npz", ".npy", ".asm"))]
        assert len(inside) > 20 and set(data) <= set(inside), data
        assert "lava" not in sys.modules
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=True)


def test_wrong_use(three_chips):
    bundle = three_chips[2]
    backend = deployment.CpuBackend()
    with pytest.raises(deployment.DeploymentError, match="no bundle is loaded"):
        backend.run(bundle.golden_input)
    with pytest.raises(loihi2.BundleError, match="must be one of: pipelined"):
        backend.load(bundle, "slow")
    backend.load(bundle)
    with pytest.raises(deployment.DeploymentError, match=r"must be \(T, 7\)"):
        backend.run(bundle.golden_input[:, :3])
    with pytest.raises(deployment.DeploymentError, match="must be whole numbers"):
        backend.run(bundle.golden_input + 0.5)
    with pytest.raises(
        deployment.DeploymentError,
        match=r"cpu: input: token 0, value \d+ at \d does not fit the 16-bit wire",
    ):
        backend.run(bundle.golden_input + 40000)
    backend.close()
    with pytest.raises(deployment.DeploymentError, match="no bundle is loaded"):
        backend.counters()


@pytest.mark.slow
@pytest.mark.parametrize("cores", [None, 64])
def test_a_shipped_network(shipped_small, heard, tmp_path, cores):
    network, x = shipped_small, heard(shipped_small)[200:230]
    mapping = loihi2.map_network(network, cores=cores)
    bundle = loihi2.write_bundle(network, tmp_path / "b", mapping, x)
    backend = deployed(bundle)
    assert np.array_equal(backend.run(x), bundle.golden_output)
    assert_counts(backend, loihi2.count(network, x, mapping).real)


@pytest.mark.slow
def test_the_paper_size(tmp_path):
    rng = np.random.default_rng(0)
    network = spec.random_network(rng, 257, 384, 256, 257, 3, 0.1)
    mapping = loihi2.map_network(network, cores=32)
    x = np.random.default_rng(1).integers(-20000, 20000, (6, 257))
    bundle = loihi2.write_bundle(network, tmp_path / "b", mapping, x)
    for mode, n in (("pipelined", 6), ("fall_through", 3)):
        backend = deployed(bundle, mode)
        assert np.array_equal(backend.run(x[:n]), bundle.golden_output[:n])
        assert_counts(backend, loihi2.count(network, x[:n], mapping).real)
