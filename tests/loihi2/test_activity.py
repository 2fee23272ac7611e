# SPDX-License-Identifier: BSD-3-Clause
"""Mappings by what was measured, and the number of cores for an objective."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from lava_sparse_rnn import cli, loihi2, spec
from lava_sparse_rnn.fixed_point import SpecError
from lava_sparse_rnn.loihi2 import Loihi2Error
from lava_sparse_rnn.spec import reference


def network(seed: int = 1) -> spec.Network:
    """A network in which some senders speak always and others never."""
    net = spec.random_network(
        np.random.default_rng(seed), d_in=24, d_model=48, d_state=24, d_out=16
    )
    first = net.layers[0]
    quiet = first.bias.mant.copy()
    quiet[:24] = -(2**20)  # half of the encoder's neurons are below their ReLU
    bias = dataclasses.replace(first.bias, mant=quiet)
    first = dataclasses.replace(first, bias=bias)
    return spec.Network((first, *net.layers[1:]), net.recipe)


def tokens(net: spec.Network, n: int, seed: int = 2) -> np.ndarray:
    fmt = net.layers[0].inp.format
    rng = np.random.default_rng(seed)
    x = rng.integers(fmt.lowest // 8, fmt.highest // 8, (n, net.d_in))
    return x * (rng.random(net.d_in) < 0.5)  # inputs that are never heard


NET = network()
X = tokens(NET, 40)


def test_activity_is_the_mean_of_the_counts():
    busy = loihi2.measure(NET, X)
    counts = loihi2.count(NET, X, loihi2.map_network(NET))
    assert busy.tokens == len(X)
    synops = executed = 0.0
    for group in counts.mapping.groups:
        for stored in counts.mapping.stored[group.name]:
            messages = busy.messages[stored.connection.source]
            synops += stored.row_synops(messages).sum()
        executed += busy.instructions[group.name].sum()
    assert synops == pytest.approx(counts.real.synops.sum(axis=1).mean(), rel=1e-12)
    assert executed == pytest.approx(counts.real.per_token("instructions"), rel=1e-12)


def test_stored_synapses_that_meet_nothing_cost_nothing():
    groups = loihi2.map_network(NET).stored.values()
    found = [stored for group in groups for stored in group]
    assert found
    for stored in found:
        n = stored.connection.shape[1]
        assert np.array_equal(stored.row_synops(np.ones(n)), stored.row_entries)
        assert not stored.row_synops(np.zeros(n)).any()
        one = np.zeros(n)
        one[n // 2] = 1.0
        heard = stored.core_entries(np.ones(stored.connection.shape[0], int))
        assert np.array_equal(stored.row_synops(one), heard[:, n // 2])


@pytest.mark.parametrize("seed", range(4))
def test_the_busiest_core_has_less_to_do(seed):
    net = network(seed)
    busy = loihi2.measure(net, tokens(net, 60))
    heard = tokens(net, 60, seed=9)[:, :] * (X[:1] != 0)
    loads = {}
    for name, activity in (("stored", None), ("measured", busy)):
        mapping = loihi2.map_network(net, cores=24, activity=activity)
        assert not loihi2.violations(mapping)
        assert len(mapping) <= 24
        loads[name] = loihi2.work(loihi2.count(net, heard, mapping)).max()
    # Other tokens than those that were measured, hence the small allowance.
    assert loads["measured"] <= 1.02 * loads["stored"]


def test_measured_work_spreads_what_is_heard():
    """Neurons that hear silent senders alone go together on fewer cores."""
    busy = loihi2.measure(NET, X)
    even, stored = (
        loihi2.work(loihi2.count(NET, X, loihi2.map_network(NET, cores=30, activity=a)))
        for a in (busy, None)
    )
    assert even.max() / even.mean() < stored.max() / stored.mean()


def test_a_trace_is_an_activity():
    trace: dict = {}
    spec.reference.run(NET, X, trace)
    given = loihi2.map_network(NET, cores=20, activity={**trace, "input": X})
    measured = loihi2.map_network(NET, cores=20, activity=loihi2.measure(NET, X))
    assert np.array_equal(given.start, measured.start)
    assert np.array_equal(given.group_of, measured.group_of)
    without = loihi2.map_network(NET, cores=20, activity=trace)  # all inputs arrive
    assert len(without) <= 20
    # Several sequences, however they lie.
    halves: dict = {}
    spec.reference.run(NET, [X[:25], X[25:]], halves)
    listed = loihi2.Activity.of_trace(NET, halves)
    assert listed.tokens == len(X)


@pytest.mark.parametrize(
    ("activity", "message"),
    [
        ({}, "the trace lacks 'layer0_out'"),
        ({"layer0_out": np.ones((3, 5))}, "'layer0_out' has 5 values, must be 48"),
        (X, "is of type ndarray, must be a loihi2.Activity"),
    ],
)
def test_wrong_activities_are_named(activity, message):
    with pytest.raises(Loihi2Error, match=message):
        loihi2.map_network(NET, activity=activity)


def test_no_token_is_no_activity():
    with pytest.raises(Loihi2Error, match="no tokens"):
        loihi2.measure(NET, X[:0])


@pytest.mark.slow
def test_a_sweep_runs_the_network_once(monkeypatch):
    runs = []
    run = reference.run
    monkeypatch.setattr(reference, "run", lambda *a: runs.append(a) or run(*a))
    loihi2.sweep(NET, X)
    assert len(runs) == 1


def test_a_trace_saves_a_run():
    trace = {}
    reference.run(NET, X, trace)
    mapping = loihi2.map_network(NET)
    once, again = loihi2.count(NET, X, mapping), loihi2.count(NET, X, mapping, trace)
    for name, value in once.real.per_core.items():
        assert np.array_equal(value, again.real.per_core[name])
    assert np.array_equal(once.synops, again.synops)
    short = {name: value[:-1] for name, value in trace.items()}
    with pytest.raises(Loihi2Error, match="the trace has .* tokens of 'layer0_out', x"):
        loihi2.count(NET, X, mapping, short)
    del trace["layer0_out"]
    with pytest.raises(Loihi2Error, match="the trace lacks 'layer0_out'"):
        loihi2.count(NET, X, mapping, trace)


@pytest.mark.slow
def test_a_sweep_has_more_and_more_cores():
    choices = loihi2.sweep(NET, X)
    cores = [len(c.mapping) for c in choices]
    assert cores == sorted(set(cores))
    assert cores[0] == len(loihi2.map_network(NET))
    assert cores[-1] > 4 * cores[0]
    assert choices[-1].busiest < choices[0].busiest
    for choice in choices:
        assert not loihi2.violations(choice.mapping)
        assert choice.imbalance >= 1


@pytest.mark.slow
def test_each_objective_is_reached():
    choices = loihi2.sweep(NET, X)
    latency, copies, energy = (
        loihi2.best(choices, name) for name in ("latency", "copies", "energy")
    )
    assert latency.latency_s == min(c.latency_s for c in choices)
    assert copies.mapping.copies == max(c.mapping.copies for c in choices)
    assert energy.energy_j == min(c.energy_j for c in choices)
    assert len(latency.mapping) > len(copies.mapping)
    with pytest.raises(SpecError, match="objective is 'speed', must be one of: "):
        loihi2.best(choices, "speed")
    with pytest.raises(loihi2.Loihi2Error, match="best: choices is empty; sweep"):
        loihi2.best([], "latency")


def test_without_coefficients_the_busiest_core_decides():
    choices = loihi2.sweep(NET, X, preset="loihi2", cores=[8, 30, 60])
    assert loihi2.best(choices, "latency").busiest == min(c.busiest for c in choices)
    assert choices[0].latency_s is None
    assert "latency" not in repr(choices[0])


@pytest.mark.slow
def test_the_command_finds_and_draws(tmp_path, monkeypatch, capsys):
    NET.save(tmp_path / "n.net")
    np.save(tmp_path / "x.npy", X)
    monkeypatch.chdir(tmp_path)

    def call(*more):
        argv = ["lava-sparse-rnn", "estimate", "n.net", "--tokens", "x.npy", *more]
        monkeypatch.setattr("sys.argv", argv)
        with pytest.raises(SystemExit) as stopped:
            cli.main()
        text = capsys.readouterr()
        return stopped.value.code, " ".join(text.out.split()), text.err

    code, out, _ = call("--objective", "latency", "--sweep", "s.png")
    assert code == 0
    assert (tmp_path / "s.png").stat().st_size > 10_000
    wanted = loihi2.best(loihi2.sweep(NET, X), "latency")
    assert f"{len(wanted.mapping)} cores on 1 chip(s)" in out
    assert f"the busiest core has {wanted.busiest:,.0f} to do for a token" in out
    code, out, _ = call("--measured", "--cores", "30")
    mapping = loihi2.map_network(NET, cores=30, activity=loihi2.measure(NET, X))
    assert f"{len(mapping)} cores on 1 chip(s)" in out
    for more, message in (
        (("--objective", "speed"), "objective is 'speed', must be one of"),
        (("--objective", "energy", "--cores", "9"), "either --cores or --objective"),
        (("--sweep", "s.txt"), "s.txt"),
    ):
        code, _, error = call(*more)
        assert code == 1
        assert message in error
