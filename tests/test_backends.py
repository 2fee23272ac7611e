# SPDX-License-Identifier: BSD-3-Clause
"""All ways to run a network: one set of verbs, the same integers."""

import pickle
from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lava_sparse_rnn import backends, engine, proc, spec
from lava_sparse_rnn.cli._backend import FastestOption
from lava_sparse_rnn.cli._run import BackendOption
from lava_sparse_rnn.fixed_point import OverflowCounters, RealArithmetic, SpecError
from lava_sparse_rnn.spec.reference import Reference
from lava_sparse_rnn.spec.stream import PIECE

NETWORK = spec.random_network(np.random.default_rng(3), 4, 6, 5, 3, n_blocks=2)
OTHER = spec.random_network(np.random.default_rng(3), 4, 6, 7, 3, n_blocks=2)
X = np.random.default_rng(5).integers(-(2**15), 2**15, (PIECE + 20, 4))
COUNTS = OverflowCounters()
Y = spec.reference.run(NETWORK, X, counters=COUNTS)
NAMES = [n for n in backends.BACKENDS if n != "engine" or engine.EXTENSION is not None]


@pytest.fixture(scope="module")
def streams():
    """One of each; Lava compiles once."""
    made = {name: backends.create(name, NETWORK) for name in NAMES}
    yield made
    for stream in made.values():
        stream.close()
        stream.close()


@pytest.fixture(params=NAMES)
def stream(request, streams):
    streams[request.param].reset()
    return streams[request.param]


def count(stream, call):
    """What a call adds to the counters."""
    before = stream.counters
    call()
    after = stream.counters
    after.subtract(before)
    return +after


def expected_counts(*pieces):
    """The reference's, over sequences that each begin anew."""
    counters = OverflowCounters()
    for piece in pieces:
        spec.reference.run(NETWORK, piece, counters=counters)
    return +counters


def test_in_one_piece_the_answers_and_counts_are_the_references(stream):
    answers, seen = [], []
    found = count(
        stream, lambda: answers.extend(stream.run(X, lambda *n: seen.append(n)))
    )
    np.testing.assert_array_equal(answers, Y)
    assert answers[0].dtype == np.int64
    assert found == +COUNTS
    assert sum(found.values()) > 0
    assert seen[-1] == (len(X), len(X))
    assert seen == sorted(seen)
    for state, reference in zip(stream.state, state_after(X), strict=True):
        np.testing.assert_array_equal(state, reference)
        assert {part.dtype for part in state} == {np.dtype(np.int64)}


def state_after(x):
    executor = Reference(NETWORK)
    executor.run(x)
    return executor.state


@settings(max_examples=10, deadline=None)
@given(st.data(), st.lists(st.integers(0, len(X)), max_size=4))
@pytest.mark.parametrize("name", NAMES)
def test_pieces_steps_and_the_whole_are_the_same(streams, name, data, cuts):
    stream, answers = streams[name], []
    stream.reset()

    def run():
        for piece in np.split(X, sorted(cuts)):
            alone = len(piece) < 5 and data.draw(st.booleans())
            answers.extend([stream.step(u) for u in piece] if alone else [])
            answers.extend([] if alone else stream.run(piece))

    assert count(stream, run) == +COUNTS
    np.testing.assert_array_equal(answers, Y)


def test_nothing_comes_of_nothing(stream):
    seen = []
    for y in (stream.run(X[:0]), stream.run(X[:0], lambda *n: seen.append(n))):
        assert y.shape == (0, 3)
        assert y.dtype == np.int64
    assert seen == [(0, 0)]
    np.testing.assert_array_equal(stream.run(X[:9]), Y[:9])


def test_a_reset_begins_anew_and_keeps_the_counts(stream):
    def run():
        stream.run(X[:7])
        stream.reset()
        np.testing.assert_array_equal(stream.run(X[:9]), Y[:9])

    assert count(stream, run) == expected_counts(X[:7], X[:9])
    stream.reset()
    assert not np.any(stream.state)


@pytest.mark.parametrize("other", NAMES)
def test_a_state_travels_between_all_of_them(stream, streams, other):
    stream.run(X[:30])
    state = pickle.loads(pickle.dumps(stream.state))
    stream.run(X[:3])  # does not change what was read
    heir = streams[other]
    heir.reset()
    for _ in range(2):  # nor does going on from it
        heir.state = state
        np.testing.assert_array_equal(heir.state, state)
        np.testing.assert_array_equal(heir.run(X[30:70]), Y[30:70])
        np.testing.assert_array_equal(heir.step(X[70]), Y[70])


def test_a_state_before_the_first_token():
    """Lava by itself answers no questions about Vars before a first run."""
    for name in NAMES:
        with backends.create(name, NETWORK) as stream:
            assert not np.any(stream.state)
            assert +stream.counters == {}
            stream.state = state_after(X[:30])
            np.testing.assert_array_equal(stream.run(X[30:40]), Y[30:40])


def test_the_order_of_more_than_ten_blocks():
    network = spec.random_network(np.random.default_rng(3), 4, 3, 2, 3, n_blocks=10)
    executor = Reference(network)
    executor.run(X[:20])
    for name in NAMES:
        with backends.create(name, network) as stream:
            stream.run(X[:20])
            np.testing.assert_array_equal(stream.state, executor.state)


def changed(block, part, index, value):
    """A state with another value in one place."""
    state = [list(pair) for pair in state_after(X[:30])]
    state[block][part] = state[block][part].copy().astype(type(value))
    state[block][part][index] = value
    return state


STATES = {
    "state: must be pairs of arrays": 7,
    "state: of 1 blocks, the network has 2": state_after(X)[:1],
    r"state: layer1_x_re: shape \(7,\), must be \(5,\)": Reference(OTHER).state,
    "state: layer2_x_im: value 8388608 at 3 does not fit the 24-bit state "
    r"\(-8388608..8388607\)": changed(1, 1, 3, 2**23),
    "state: layer1_x_re: value -8388609 at 0 does not fit": changed(
        0, 0, 0, -(2**23) - 1
    ),
    "state: layer2_x_re: values must be whole numbers": changed(1, 0, 2, 0.5),
}


@pytest.mark.parametrize("says", STATES)
def test_what_is_no_state_is_refused_in_the_same_words(stream, says):
    stream.run(X[:30])
    with pytest.raises(SpecError, match=f"^{says}"):
        stream.state = STATES[says]
    np.testing.assert_array_equal(stream.run(X[30:40]), Y[30:40])


TOKENS = {
    r"input: shape \({n}, 3\), must be \(T, 4\)": X[:, :3],
    r"input: token {t}, value 32768 at 2 does not fit the 16-bit wire "
    r"\(-32768..32767\)": np.where(X[-1, 2] == X, 2**15, X),
    "input: values must be whole numbers below .*, the one at ": X + 0.5,
    "input: values must be whole numbers, got ": np.full(X.shape, "x"),
}


@pytest.mark.parametrize("says", TOKENS)
def test_what_is_no_token_is_refused_in_the_same_words(stream, says):
    bad, kept = TOKENS[says], state_after(X[:5])
    stream.run(X[:5])
    for call in (stream.run, lambda x: stream.run(x, lambda *n: None)):
        expected = says.replace("{n}", str(len(X))).replace("{t}", str(len(X) - 1))
        with pytest.raises(SpecError, match=f"^{expected}"):
            call(bad)
    with pytest.raises(SpecError, match=f"^{says.format(n=1, t=0)}"):
        stream.step(bad[-1])
    np.testing.assert_array_equal(stream.state, kept)


def test_whole_numbers_of_any_type_are_tokens(stream):
    for tokens in (X[:5].astype(float), X[:5].tolist(), X[:5].astype("i2")):
        stream.reset()
        np.testing.assert_array_equal(stream.run(tokens), Y[:5])


@pytest.mark.parametrize("layered", [False, pytest.param(True, marks=pytest.mark.slow)])
@pytest.mark.parametrize("tag", ["fixed_pt", "microcode", "floating_pt"])
@pytest.mark.parametrize("mode", ["pipelined", "fall_through"])
def test_every_session_shows_and_takes_a_state(tag, layered, mode):
    real = tag == "floating_pt"
    executor = Reference(NETWORK, RealArithmetic() if real else None)
    # Layered processes add real numbers in another order.
    same = np.testing.assert_allclose if real else np.testing.assert_array_equal
    with proc.Session(NETWORK, tag, layered, mode=mode) as session:
        executor.state = session.state = state_after(X[:30])
        for x in (X[30:33], X[33:34], X[34:40]):
            same(session.run(x), executor.run(x))
            same(session.state, executor.state)


def test_names():
    with pytest.raises(SpecError, match="'gpu', must be one of: engine, lava, micro"):
        backends.create("gpu", NETWORK)
    for option in (FastestOption, BackendOption):
        told = get_args(option)[1].help
        assert all(name in told for name in backends.BACKENDS)
    assert backends.default() == ("engine" if "engine" in NAMES else "reference")
