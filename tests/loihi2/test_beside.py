# SPDX-License-Identifier: BSD-3-Clause
"""Rows beside an estimate, and the least that the busiest core has to do."""

import itertools
import json

import numpy as np
import pytest

from lava_sparse_rnn import loihi2, spec
from lava_sparse_rnn.loihi2 import beside
from lava_sparse_rnn.spec import statistics

NETWORK = spec.random_network(np.random.default_rng(3), 5, 8, 6, 4, 1)
TOKENS = np.random.default_rng(4).integers(-9000, 9000, (12, 5))
TOKENS[::3, ::2] = 0


def estimated(cores=None, **values):
    mapping = loihi2.map_network(NETWORK, cores=cores)
    preset = loihi2.PRESETS["loihi1"].model_copy(update=values)
    return loihi2.estimate(NETWORK, TOKENS, mapping, preset, 0.016)


@pytest.mark.parametrize("cores", [5, 7, 9, 12])
def test_no_cores_for_groups_do_better_than_the_bound(cores):
    counts = estimated(cores).counts
    mapping, least = counts.mapping, loihi2.least_work(counts)
    assert least <= loihi2.work(counts).max()
    per_core = np.stack([counts.real.synops, counts.real.per_core["instructions"]])
    totals = np.array(
        [
            per_core[:, :, mapping.cores_of(i)].sum(axis=2).mean(axis=1).max()
            for i in range(len(mapping.groups))
        ]
    )
    shares = (
        max(totals / np.array(parts))
        for parts in itertools.product(range(1, 9), repeat=len(totals))
        if sum(parts) == len(mapping)
    )
    assert least == pytest.approx(min(shares), rel=1e-12)


def test_one_core_a_group_reaches_the_bound():
    counts = estimated().counts
    assert loihi2.least_work(counts) == loihi2.work(counts).max()


@pytest.mark.slow
def test_the_shipped_network_is_near_the_bound(shipped_small, heard):
    """So near that moving rows between cores has nothing to find; `-rP` shows it."""
    x = heard(shipped_small)
    choices = loihi2.sweep(shipped_small, x, cores=[14, 20, 32, 64])
    for choice in choices:
        print(choice)
        assert choice.busiest <= 1.06 * choice.least


def test_static_power_is_stated_or_not_known():
    e = estimated()
    plain = beside.chip_rows(e, NETWORK)
    assert [r.known for r in plain[1:2]] == ["not known: give --static-mw"]
    dynamic = e.pipelined.energy_per_token_j
    assert plain[0].busy_j == plain[0].paced_j == dynamic
    rows = beside.chip_rows(e, NETWORK, [500.0])
    alone, shared = (r for r in rows if "static" in r.what)
    copies = e.counts.mapping.copies_per_chip
    assert copies > 1
    assert alone.paced_j == pytest.approx(dynamic + 0.5 * 0.016)
    assert shared.paced_j == pytest.approx(dynamic + 0.5 * 0.016 / copies)
    assert alone.busy_j == pytest.approx(dynamic + 0.5 * e.pipelined.step_s)
    assert "500 mW a chip: stated" in alone.known
    # ... or the preset's own, which the first row leaves out.
    own = beside.chip_rows(estimated(static_mw=500.0), NETWORK)
    assert [(r.busy_j, r.paced_j) for r in own] == [(r.busy_j, r.paced_j) for r in rows]
    with pytest.raises(loihi2.Loihi2Error, match=r"static_mw is -1.0, must be 0 or"):
        beside.chip_rows(e, NETWORK, [-1.0])


def test_without_coefficients_nothing_is_guessed():
    mapping = loihi2.map_network(NETWORK)
    e = loihi2.estimate(NETWORK, TOKENS, mapping, "loihi2")
    for row in beside.chip_rows(e, NETWORK, [500.0]):
        assert (row.token_s, row.busy_j, row.paced_j) == (None, None, None)
    assert beside.break_even_mw(e, beside.Row("x", "", "", 1.0, 1.0, 1.0)) is None


def test_a_dense_network_has_every_synapse():
    trace = {}
    spec.reference.run(NETWORK, TOKENS, trace)
    layers = statistics.activity(NETWORK, TOKENS, trace)
    total = sum(layer.dense_synops for layer in layers)
    assert beside.dense_synops(NETWORK) == total
    row = beside.chip_rows(estimated(), NETWORK)[-1]
    assert row.busy_j == pytest.approx(total * 35.5e-12)


def test_where_both_cost_the_same():
    e = estimated()
    other = beside.Row("processor", "measured", "", 1e-5, 1e-4, 1e-4)
    power = beside.break_even_mw(e, other)
    shared = [r for r in beside.chip_rows(e, NETWORK, [power]) if "copies" in r.what]
    assert shared[0].paced_j == pytest.approx(1e-4)


def test_what_crosses_the_boundary():
    line = beside.io_line(estimated(), NETWORK, TOKENS)
    inputs = (TOKENS != 0).sum(axis=1).mean()
    outputs = (spec.reference.run(NETWORK, TOKENS) != 0).sum(axis=1).mean()
    assert f"{inputs:,.0f} messages of 16 bits in, {outputs:,.0f} of 16" in line


@pytest.mark.slow
def test_the_command(command, tmp_path):
    NETWORK.save(tmp_path / "a.net")
    np.save(tmp_path / "x.npy", TOKENS)
    run = ("estimate", tmp_path / "a.net", "--tokens", tmp_path / "x.npy")
    told = ("--static-mw", 500, "--static-mw", 1000, "--watts", 10)
    told += ("--instructions", 1234, "--json", tmp_path / "a.json")
    code, out, _ = command(*run, "--beside", *told)
    assert code == 0
    assert "1,234 instructions" in out
    assert "static power is" in out
    rows = json.loads((tmp_path / "a.json").read_text())["beside"]
    assert sum("with static power" in r["what"] for r in rows) == 4
    assert any(r["known"].startswith("measured, engine") for r in rows)
    code, _, error = command(*run, "--watts", 10)
    assert code == 1
    assert "--watts: is of --beside, give --beside, too" in error
