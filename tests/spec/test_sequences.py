# SPDX-License-Identifier: BSD-3-Clause
"""Sequences in one call: each from a zero state, on every backend; heads."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lava_sparse_rnn import backends, engine, microcode, proc, spec
from lava_sparse_rnn.fixed_point import OverflowCounters, SpecError
from lava_sparse_rnn.spec import reference

RUNS = {
    "reference": reference.run,
    "microcode": microcode.run,
    "lava": proc.run,
    "engine": lambda network, x: engine.Engine(network, threads=2).run(x),
}


@pytest.fixture(scope="module")
def network() -> spec.Network:
    return spec.random_network(np.random.default_rng(3))


def tokens_of(network: spec.Network, lengths: list[int]) -> list[np.ndarray]:
    rng = np.random.default_rng(7)
    fmt = network.layers[0].inp.format
    sizes = [(n, network.d_in) for n in lengths]
    return [rng.integers(fmt.lowest // 4, fmt.highest // 4, size) for size in sizes]


def one_by_one(network, sequences) -> list[np.ndarray]:
    return [reference.run(network, x) for x in sequences]


@pytest.mark.parametrize("name", RUNS)
def test_every_sequence_starts_at_zero(network, name) -> None:
    sequences = tokens_of(network, [5, 5, 5])
    expected = one_by_one(network, sequences)
    joined = reference.run(network, np.concatenate(sequences))
    assert not np.array_equal(joined, np.concatenate(expected))  # states are heard
    answers = RUNS[name](network, np.stack(sequences))
    assert answers.shape == (3, 5, network.d_out)
    assert np.array_equal(answers, expected)


@pytest.mark.parametrize("name", RUNS)
def test_lengths_may_differ(network, name) -> None:
    sequences = tokens_of(network, [4, 1, 7, 4])
    answers = RUNS[name](network, sequences)
    assert isinstance(answers, list)
    for answer, expected in zip(answers, one_by_one(network, sequences), strict=True):
        assert np.array_equal(answer, expected)


@pytest.mark.parametrize("name", ["reference", "microcode", "engine"])
def test_a_trace_lies_as_the_answers(network, name) -> None:
    run = {**RUNS, "engine": lambda n, x, t: engine.Engine(n).run(x, t)}[name]
    sequences = tokens_of(network, [3, 6, 3])
    wanted = []
    for x in sequences:
        wanted.append({})
        reference.run(network, x, wanted[-1])
    trace: dict = {}
    run(network, sequences, trace)
    assert trace.keys() == wanted[0].keys()
    for key, parts in trace.items():
        for part, one in zip(parts, wanted, strict=True):
            assert np.array_equal(part, one[key])
    trace.clear()
    run(network, np.stack([sequences[0], sequences[2]]), trace)
    for key, part in trace.items():
        assert np.array_equal(part, [wanted[0][key], wanted[2][key]])


def test_counters_are_those_of_all_sequences(network) -> None:
    sequences = [x * 4 for x in tokens_of(network, [9, 2, 9])]
    alone, together = OverflowCounters(), OverflowCounters()
    for x in sequences:
        reference.run(network, x, counters=alone)
    reference.run(network, sequences, counters=together)
    assert together == alone


def test_progress_counts_the_tokens_of_all(network) -> None:
    seen: list[tuple[int, int]] = []
    proc.run(network, tokens_of(network, [3, 4]), progress=lambda *n: seen.append(n))
    assert seen[-1] == (7, 7)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)


def test_no_sequence_at_all(network) -> None:
    nothing = np.zeros((0, 4, network.d_in), int)
    for run in RUNS.values():
        assert run(network, nothing).shape == (0, 4, network.d_out)


def test_errors_name_the_sequence(network) -> None:
    good, wide = tokens_of(network, [2, 3])
    wide[1, 0] = 1 << 40
    for run in RUNS.values():
        with pytest.raises(SpecError, match="sequence 1: input: token 1"):
            run(network, [good, wide])
        with pytest.raises(SpecError, match=r"sequence 1: input: shape \(3, 1\)"):
            run(network, [good, wide[:, :1]])


def test_a_list_of_numbers_is_still_one_sequence(network) -> None:
    (x,) = tokens_of(network, [3])
    for run in RUNS.values():
        assert np.array_equal(run(network, x.tolist()), reference.run(network, x))


def with_head(network: spec.Network, head: str) -> spec.Network:
    return replace(network, meta={**network.meta, "head": head})


@given(st.lists(st.integers(1, 6), min_size=1, max_size=4))
def test_mean_and_last_are_of_the_valid_tokens(lengths) -> None:
    network = spec.random_network(np.random.default_rng(3))
    sequences = [
        network.layers[0].inp.format.dequantize(x) for x in tokens_of(network, lengths)
    ]
    each = [
        network.from_wire(y)
        for y in one_by_one(network, [network.to_wire(x) for x in sequences])
    ]
    padded = np.full((len(lengths), max(lengths), network.d_in), np.nan)
    for row, x in zip(padded, sequences, strict=True):
        row[: len(x)] = x
    for backend in ("reference", "engine"):
        mean = backends.answer(with_head(network, "mean"), sequences, None, backend)
        last = backends.answer(with_head(network, "last"), padded, lengths, backend)
        # Sums of a few dyadic numbers are exact in floating point.
        assert np.array_equal(mean, [y.sum(0) / len(y) for y in each])
        assert np.array_equal(last, [y[-1] for y in each])


@pytest.mark.parametrize("backend", backends.BACKENDS)
@pytest.mark.parametrize("head", spec.HEADS)
def test_a_head_answers_on_every_backend(network, backend, head) -> None:
    net = with_head(network, head)
    x = network.layers[0].inp.format.dequantize(np.stack(tokens_of(network, [4, 4])))
    found = backends.answer(net, x, backend=backend)
    wanted = backends.answer(net, x, backend="reference")
    assert np.array_equal(found, wanted)
    per_token = head == "sequence"
    assert found.shape == ((2, 4) if per_token else (2,)) + (net.d_out,)
    one = backends.answer(net, x[0], backend=backend)
    assert np.array_equal(one, wanted[0])


def test_wrong_heads_lengths_and_backends_are_refused(network) -> None:
    x = np.zeros((2, 3, network.d_in))
    cases = [
        (with_head(network, "median"), x, None, None, "head is 'median'"),
        (network, x, [1, 4], None, "lengths: 4 at 1, must be from 1 to 3"),
        (network, x, [1.0, 2.0], None, "lengths: float64"),
        (network, x[0], [1], None, "lengths are for sequences in an array"),
        (network, x, None, "gpu", "backend is 'gpu'"),
        (with_head(network, "last"), [x[0], x[1, :0]], None, None, "sequence 1: no"),
    ]
    for net, given_x, lengths, backend, text in cases:
        with pytest.raises(SpecError, match=text):
            backends.answer(net, given_x, lengths, backend)
