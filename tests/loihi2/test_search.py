# SPDX-License-Identifier: BSD-3-Clause
"""Mappings that are searched: no rule is broken, nothing is lost, no core does more."""

import dataclasses
import itertools
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lava_sparse_rnn import loihi2, spec
from lava_sparse_rnn.loihi2 import deployment
from lava_sparse_rnn.loihi2.counts import PER_CORE
from lava_sparse_rnn.loihi2.report import core_table, mapping_dict
from lava_sparse_rnn.loihi2.search import core_work, improve

LONG = 60.0  # seconds: these searches end long before


def tokens(network, n=20, seed=2):
    fmt = network.layers[0].inp.format
    x = np.random.default_rng(seed).integers(fmt.lowest, fmt.highest, (n, network.d_in))
    x[::2, ::2] = 0
    return x


def check_parts(mapping):
    """Every neuron on one core, a part of a group on a core, limits by core."""
    assert loihi2.violations(mapping) == []
    held, cores = {}, {}
    for k in range(mapping.parts):
        g = int(mapping.group_of[k])
        held.setdefault(g, []).extend(range(mapping.start[k], mapping.stop[k]))
        cores.setdefault(int(mapping.place[k]), []).append(g)
    sizes = {i: list(range(g.size)) for i, g in enumerate(mapping.groups)}
    assert held == sizes
    assert all(len(set(g)) == len(g) <= mapping.share for g in cores.values())
    assert len(cores) == len(mapping) <= mapping.board.cores
    chip = mapping.board.chip
    for place in cores:
        here = mapping.place == place
        assert mapping.total_bytes[here].sum() <= chip.core_bytes
        assert mapping.memory["synapses"][here].sum() <= chip.synapse_bytes
        assert mapping.neurons[here].sum() <= chip.neurons_per_core


sizes = st.tuples(*[st.integers(1, 12) for _ in range(4)], st.integers(0, 2))
boards = st.builds(
    lambda neurons, synaptic, memory, on_chip: loihi2.Board(
        "b",
        40,
        loihi2.Chip(
            neurons_per_core=neurons,
            synapse_bytes=synaptic,
            core_bytes=memory,
            cores=on_chip,
            routers_x=3,
            routers_y=2,
            cores_per_router=3,
        ),
    ),
    st.integers(1, 20),
    st.integers(100, 400),
    st.integers(1200, 2500),
    st.integers(5, 18),
)


@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=25)
@given(
    seed=st.integers(0, 99),
    sizes=sizes,
    density=st.sampled_from([0.1, 0.4, 1.0]),
    board=boards,
    more=st.integers(0, 12),
    share=st.integers(1, 3),
    measured=st.booleans(),
)
def test_a_search_breaks_no_rule_and_makes_nothing_worse(
    seed, sizes, density, board, more, share, measured
):
    network = spec.random_network(np.random.default_rng(seed), *sizes, density)
    busy = loihi2.measure(network, tokens(network)) if measured else None
    cores = min(len(loihi2.map_network(network, board)) + more, board.cores)
    start = loihi2.map_network(network, board, cores, activity=busy)
    found, again = (
        loihi2.map_network(
            *(network, board, cores, None, busy), search=LONG, seed=seed, share=share
        )
        for _ in range(2)
    )
    check_parts(found)
    assert len(found) <= cores
    assert core_work(found, busy).max() <= core_work(start, busy).max()
    for name in ("group_of", "start", "stop", "place"):
        assert np.array_equal(getattr(found, name), getattr(again, name))
    if measured:
        counts = loihi2.count(network, tokens(network), found)
        done, least = loihi2.work(counts), loihi2.least_work(counts)
        assert core_work(found, busy) == pytest.approx(done, rel=1e-9)
        assert core_work(found, busy).max() >= least * (1 - 1e-9)


def least_by_all_allotments(rows, cores):
    """Least busiest core of all allotments of cores to groups, and all their cuts.

    ``rows``: of each group what its neurons have to do, shape (2, n).
    """
    tables = []
    for row in rows:
        n, table = row.shape[1], {}
        for parts in range(1, min(n, cores) + 1):
            table[parts] = min(
                max(row[:, a:b].sum(axis=1).max() for a, b in itertools.pairwise(cut))
                for inner in itertools.combinations(range(1, n), parts - 1)
                for cut in [[0, *inner, n]]
            )
        tables.append(table)
    return min(
        max(table[p] for table, p in zip(tables, parts, strict=True))
        for parts in itertools.product(*tables)
        if sum(parts) <= cores
    )


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("cores", [5, 7, 10])
def test_cores_of_one_group_have_nothing_to_find(seed, cores):
    """Allotments and cuts are the best there are: a search could only lose time."""
    rng = np.random.default_rng(seed)
    d_in, d_model, d_state, d_out = rng.integers(2, 7, 4).tolist()
    network = spec.random_network(rng, d_in, d_model, d_state, d_out, 1, 0.6)
    mapping = loihi2.map_network(network, cores=cores)
    rows = []
    for group in mapping.groups:
        entries = sum(s.row_entries for s in mapping.stored[group.name])
        rows.append(np.stack([entries, np.full(group.size, group.report.longest)]))
    assert core_work(mapping).max() == least_by_all_allotments(rows, cores)
    assert np.array_equal(improve(mapping, LONG, cores=cores).start, mapping.start)


@pytest.fixture(scope="module")
def shared():
    """A network whose groups share cores, on two chips."""
    chip = dataclasses.replace(
        loihi2.Chip(), routers_x=3, routers_y=2, cores_per_router=1, cores=6
    )
    network = spec.random_network(np.random.default_rng(8), 7, 12, 9, 5, 2, 0.4)
    busy = loihi2.measure(network, tokens(network))
    looked = {"search": LONG, "share": 3}
    board = loihi2.Board("b", 4, chip)
    mapping = loihi2.map_network(network, board, 11, activity=busy, **looked)
    assert mapping.chips == 2
    assert mapping.parts > len(mapping)
    return network, mapping


@pytest.mark.parametrize("mode", deployment.MODES)
def test_shared_cores_answer_and_count_alike(shared, mode, tmp_path):
    network, mapping = shared
    x = tokens(network)
    bundle = loihi2.write_bundle(network, tmp_path / "b", mapping, x)
    backend = deployment.CpuBackend()
    backend.load(bundle, mode)
    assert np.array_equal(backend.run(x), spec.reference.run(network, x))
    counted = backend.counters(idle=False)
    real = loihi2.count(network, x, mapping).real
    for name in PER_CORE:
        assert np.array_equal(counted[name], real.per_part[name].sum(axis=0)), name
        total = real.per_core[name].sum(axis=1)
        assert np.allclose(total, real.per_part[name].sum(axis=1))
    assert {c.slot for c in bundle.manifest.cores} > {0}
    assert f" {len(mapping)} cores" in repr(bundle)


@pytest.mark.parametrize("overflow", ["saturate", "wrap"])
def test_shared_cores_with_every_overflow(overflow, tmp_path):
    recipe = spec.Recipe(overflow=overflow)
    rng = np.random.default_rng(5)
    network = spec.random_network(rng, 5, 8, 6, 4, 1, recipe=recipe)
    mapping = loihi2.map_network(network, cores=6, search=LONG, share=2)
    bundle = loihi2.write_bundle(network, tmp_path / "b", mapping)
    result = deployment.check(bundle, "cpu")
    assert result.equal, result.message


def test_a_shared_core_takes_the_time_of_all_its_parts(shared):
    """Steps by loops over tokens and parts, each at the token that its group has."""
    network, mapping = shared
    e = loihi2.estimate(network, tokens(network), mapping)
    real, idle = e.counts.real, e.counts.idle
    c, n = e.preset, real.tokens

    def seconds(tally, t, k):
        at = {name: v[t, k] for name, v in tally.per_part.items()}
        updates = c.neuron_access_ns + c.neuron_update_ns
        return np.array(
            [
                at["neuron_updates"] * updates + at["spikes"] * c.spike_ns,
                at["sparse_synops"] * c.sparse_synop_ns
                + at["dense_synops"] * c.dense_synop_ns,
                at["messages_out"] * c.message_out_ns,
                at["messages_in"] * c.message_in_ns,
            ]
        )

    def slowest(of_part):
        cores = np.zeros((len(mapping), 4))
        for k in range(mapping.parts):
            cores[mapping.core_of[k]] += of_part(k)
        return max(cores.max(), c.barrier_ns) * 1e-9

    piped = [
        slowest(lambda k, t=t: seconds(real, (t - mapping.group_of[k]) % n, k))
        for t in range(n)
    ]
    assert e.pipelined.step_s == pytest.approx(np.mean(piped))
    through = [
        slowest(
            lambda k, t=t, g=g: (
                seconds(real, t, k) if mapping.group_of[k] == g else seconds(idle, 0, k)
            )
        )
        for t in range(n)
        for g in range(len(mapping.groups))
    ]
    assert e.fall_through.step_s == pytest.approx(np.mean(through))


def test_shared_cores_in_tables(shared, tmp_path):
    from lava_sparse_rnn import pictures
    from lava_sparse_rnn.loihi2 import plots, tables

    network, mapping = shared
    rows = core_table(mapping)
    assert len(rows) == mapping.parts
    assert len({(r["chip"], r["core"], r["slot"]) for r in rows}) == len(rows)
    whole = mapping_dict(mapping)
    assert whole["cores_used"] == len(mapping) == 11
    assert whole["groups_per_core"] == 3
    heads = tables.mapping_table(mapping).columns
    assert all("balance" not in head for head in heads)
    e = loihi2.estimate(network, tokens(network), mapping)
    pictures.save(plots.cores(mapping, e), tmp_path / "a.png")
    several = int(np.argmax(np.bincount(mapping.core_of)))
    assert " and layer" in mapping.describe_core(several)


def test_parts_of_one_core_are_limited(shared):
    mapping = shared[1]
    found = loihi2.violations(dataclasses.replace(mapping, share=1))
    assert any("one_place_each" in str(v) for v in found)
    spread = int(np.argmax(np.bincount(mapping.group_of)))
    first = mapping.place[mapping.group_of == spread][0]
    twice = np.where(mapping.group_of == spread, first, mapping.place)
    found = loihi2.violations(dataclasses.replace(mapping, place=twice))
    assert any("parts of one group" in str(v) for v in found)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"share": 2}, "share is 2, but there is no search"),
        ({"search": 0}, "search, in seconds, is 0, must be a finite number above 0"),
        ({"search": True}, "search.* is True"),
        ({"search": np.nan}, "search.* is nan"),
        ({"search": 10**400}, "search.* is 1000"),
        ({"search": "1"}, "search.* is '1'"),
        ({"search": 1.0, "share": 0}, "share.* is 0, must be"),
        ({"search": 1.0, "seed": 0.5}, "seed"),
    ],
)
def test_wrong_searches_are_named(options, message, small):
    with pytest.raises(loihi2.Loihi2Error, match=message):
        loihi2.map_network(small, **options)


def test_no_time_is_no_harm(small):
    start = loihi2.map_network(small, cores=16)
    found = loihi2.map_network(small, cores=16, search=np.float32(1e-9), share=3)
    assert np.array_equal(found.start, start.start)


def test_the_commands_search(command, net, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    x = tokens(spec.load(net))
    np.save("x.npy", x)
    asked = ("--cores", 6, "--search", LONG, "--share", 2)
    given = ("--tokens", "x.npy", "--measured")
    code, text, error = command("estimate", net, *given, *asked, "--json", "a.json")
    assert code == 0, error
    assert "each with neurons of 2 groups at most" in " ".join(text.split())
    code, _, error = command("deploy", net, "-o", "b", *given[:2], *asked, "--check")
    assert code == 0, error
    whole = json.loads(Path("a.json").read_text("utf-8"))["mapping"]
    cores = loihi2.load_bundle("b").manifest.cores
    assert [r["first_neuron"] for r in whole["cores"]] == [c.first for c in cores]
    assert any(c.slot for c in cores)
    for name in ("estimate", "deploy"):
        code, _, error = command(name, net, "--share", 2)
        assert code == 1
        assert "--share: is of --search, give --search, too" in error
