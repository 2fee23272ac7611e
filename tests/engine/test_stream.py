# SPDX-License-Identifier: BSD-3-Clause
"""Stream: tokens one by one or in pieces, and the state between them."""

import pickle
import threading

import numpy as np
import pytest

from lava_sparse_rnn import engine, spec
from lava_sparse_rnn.fixed_point import OverflowCounters, SpecError
from lava_sparse_rnn.spec.reference import Reference


def test_pieces_are_the_whole(network, random_tokens, kernel):
    x, counts = random_tokens(network, 100), OverflowCounters()
    y = spec.reference.run(network, x, counters=counts)
    stream = engine.Stream(network, kernel)
    got = [stream.step(u) for u in x[:5]]
    for a, b in ((5, 6), (6, 6), (6, 40), (40, 99)):
        got += list(stream.process(x[a:b]))
    got.append(stream.step(x[99]))
    np.testing.assert_array_equal(got, y)
    assert stream.counters == counts
    assert got[0].dtype == y.dtype


def test_reset(network, random_tokens, kernel):
    x, stream = random_tokens(network, 10), engine.Stream(network, kernel)
    first = stream.process(x)
    assert not np.array_equal(stream.process(x), first)
    stream.reset()
    np.testing.assert_array_equal(stream.process(x), first)
    stream.reset()
    assert all(not part.any() for parts in stream.state for part in parts)


def test_state_moves_between_kernels_and_the_reference(network, random_tokens, kernel):
    x = random_tokens(network, 60)
    y = spec.reference.run(network, x)
    first = engine.Stream(network, kernel)
    first.process(x[:20])
    state = pickle.loads(pickle.dumps(first.state))
    for other in engine.available():
        second = engine.Stream(network, other)
        second.state = state
        np.testing.assert_array_equal(second.process(x[20:]), y[20:])
    reference = Reference(network)
    reference.state = state
    np.testing.assert_array_equal(reference.run(x[20:40]), y[20:40])
    first.reset()
    first.state = reference.state
    np.testing.assert_array_equal(first.process(x[40:]), y[40:])


def test_snapshot_is_a_copy(network, random_tokens, kernel):
    stream = engine.Stream(network, kernel)
    stream.process(random_tokens(network, 5))
    before = stream.state
    kept = [part.copy() for parts in before for part in parts]
    stream.process(random_tokens(network, 5))
    for part, copy in zip((p for ps in before for p in ps), kept, strict=True):
        np.testing.assert_array_equal(part, copy)


def test_bad_states(network, kernel):
    stream = engine.Stream(network, kernel)
    good = stream.state
    n = network.layers[1].d_state
    for bad in (
        good[:1],
        [(good[0][0][:-1], good[0][1]), good[1]],
        [(np.full(n, 2**23), good[0][1]), good[1]],
        [(np.full(n, 0.5), good[0][1]), good[1]],
        [(good[0][0],), good[1]],
        [("state", good[0][1]), good[1]],
        7,
    ):
        with pytest.raises(SpecError, match="state"):
            stream.state = bad
    stream.state = [(np.full(n, -(2**23)), np.full(n, 2**23 - 1)), good[1]]


@pytest.mark.parametrize("dtype", ["i2", "i4", "i8", "u2", "f8"])
def test_any_array_of_whole_numbers(network, random_tokens, kernel, dtype):
    x = abs(random_tokens(network, 4)) >> 1
    y = spec.reference.run(network, x)
    stream = engine.Stream(network, kernel)
    np.testing.assert_array_equal([stream.step(u.astype(dtype)) for u in x], y)
    stream.reset()
    np.testing.assert_array_equal([stream.step(u.tolist()) for u in x], y)
    stream.reset()
    np.testing.assert_array_equal(stream.process(x.astype(dtype)), y)
    stream.reset()
    shifted = np.frombuffer(b"x" + x.tobytes(), x.dtype, offset=1).reshape(x.shape)
    np.testing.assert_array_equal(stream.process(shifted), y)
    stream.reset()
    strided = np.asfortranarray(x.astype(dtype))
    np.testing.assert_array_equal([stream.step(u) for u in strided], y)


def test_a_refused_token_leaves_the_state(network, random_tokens, kernel):
    x = random_tokens(network, 20)
    stream = engine.Stream(network, kernel)
    stream.process(x[:10])
    state, counts = stream.state, stream.counters
    bad = random_tokens(network, 5)
    bad[4, 0] = -32769
    late = np.concatenate([random_tokens(network, 40, 1), bad])
    for call, value in (
        (stream.step, bad[4]),
        (stream.step, x[:2]),
        (stream.step, x[0, :3]),
        (stream.step, np.full(network.d_in, 0.5)),
        (stream.step, "token"),
        (stream.process, bad),
        (stream.process, late),  # found when tokens before it have been answered
        (stream.process, x[:, :2]),
        (stream.process, None),
    ):
        with pytest.raises(SpecError):
            call(value)
    np.testing.assert_array_equal(stream.state, state)
    assert stream.counters == counts
    np.testing.assert_array_equal(
        stream.process(x[10:]), spec.reference.run(network, x)[10:]
    )


def test_two_threads_on_one_stream(network, random_tokens, kernel):
    """Calls queue up instead of tearing the state: no token is lost or doubled."""
    x = np.repeat(random_tokens(network, 1), 64, axis=0)
    stream, alone = engine.Stream(network, kernel), engine.Stream(network, kernel)

    def work():
        for _ in range(20):
            stream.process(x)
            for u in x[:8]:
                stream.step(u)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for _ in range(60):
        alone.process(x)
        alone.process(x[:8])
    np.testing.assert_array_equal(stream.state, alone.state)
    assert stream.counters == alone.counters


def test_streams_are_independent(network, random_tokens, kernel):
    x = random_tokens(network, 12)
    one, two = engine.Stream(network, kernel), engine.Stream(network, kernel)
    y = spec.reference.run(network, x)
    for t, u in enumerate(x):
        np.testing.assert_array_equal(one.step(u), y[t])
        if t % 3 == 0:
            two.step(u)
    assert one.network is network
