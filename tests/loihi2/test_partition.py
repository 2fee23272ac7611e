# SPDX-License-Identifier: BSD-3-Clause
"""Cuts of groups into cores, against a search of all cuts."""

import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lava_sparse_rnn.loihi2.demand import RESOURCES, UNLIMITED, Demand
from lava_sparse_rnn.loihi2.partition import WORK, balance, lower_bounds, pack

KINDS = len(RESOURCES)
ROW = st.tuples(*[st.integers(0, 9) for _ in RESOURCES])
CAPS = st.lists(st.integers(9, 25), min_size=KINDS, max_size=KINDS)


def loads(rows, cuts):
    return np.array([rows[:, a:b].sum(axis=1) for a, b in itertools.pairwise(cuts)])


def all_cuts(n, parts):
    for k in range(1, parts + 1):
        for inner in itertools.combinations(range(1, n), k - 1):
            yield [0, *inner, n]


@given(st.lists(ROW, min_size=1, max_size=8), CAPS)
def test_pack_needs_the_fewest_cores(rows, caps):
    rows, caps = np.array(rows).T, np.array(caps)
    cuts = pack(rows, caps)
    assert (loads(rows, cuts) <= caps).all()
    assert (cuts[0], cuts[-1]) == (0, rows.shape[1])
    fewest = min(
        len(c) for c in all_cuts(rows.shape[1], 8) if (loads(rows, c) <= caps).all()
    )
    assert len(cuts) == fewest
    assert pack(rows, caps, fewest - 1) == cuts
    assert pack(rows, caps, fewest - 2) is None


def test_pack_gives_up_on_a_neuron_that_does_not_fit():
    assert pack(np.array([[1, 5, 1]]), np.array([4])) is None


@given(st.lists(ROW, min_size=1, max_size=8), st.integers(1, 5))
def test_balance_is_optimal(rows, parts):
    rows = np.array(rows).T
    d = Demand(None, (), rows, np.full(len(RESOURCES), UNLIMITED))
    cuts = balance(d, parts)
    assert len(cuts) - 1 <= parts
    by_work = sorted(WORK, key=lambda r: -rows[r].sum())

    def goal(cut):
        worst = loads(rows, cut).max(axis=0)
        each = [worst[r] for r in by_work]
        return max(each), *each, worst[RESOURCES.index("memory_bits")]

    assert goal(cuts) == min(goal(c) for c in all_cuts(rows.shape[1], parts))


@given(st.lists(st.integers(1, 100), min_size=20, max_size=60), st.integers(1, 20))
def test_balance_is_near_the_lower_bound(values, parts):
    rows = np.zeros((len(RESOURCES), len(values)), np.int64)
    rows[RESOURCES.index("synapses")] = values
    d = Demand(None, (), rows, np.full(len(RESOURCES), UNLIMITED))
    worst = loads(rows, balance(d, parts)).max()
    bound = lower_bounds(rows, parts).max()
    assert bound <= worst <= sum(values) / parts + max(values)
    assert worst <= 2 * bound
