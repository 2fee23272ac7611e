# SPDX-License-Identifier: BSD-3-Clause
"""Engine: shapes, batches, threads, counters, errors."""

from types import SimpleNamespace

import numpy as np
import pytest

from lava_sparse_rnn import engine, spec
from lava_sparse_rnn.engine import _extension
from lava_sparse_rnn.fixed_point import OverflowCounters, SpecError


@pytest.mark.parametrize("threads", [1, 2, 5, 2**40])
def test_batch_is_its_sequences(network, random_tokens, kernel, threads):
    x = np.stack([random_tokens(network, 40, seed) for seed in range(7)])
    made = engine.Engine(network, kernel, threads)
    trace, counts = {}, OverflowCounters()
    y = made.run(x, trace)
    for i, sequence in enumerate(x):
        one = {}
        expected = spec.reference.run(network, sequence, one, counts)
        np.testing.assert_array_equal(y[i], expected)
        for name, value in one.items():
            np.testing.assert_array_equal(trace[name][i], value)
    assert made.counters == counts
    assert isinstance(made.counters, OverflowCounters)


def test_counters_grow_over_runs(network, random_tokens, kernel):
    made, x = engine.Engine(network, kernel), random_tokens(network, 30)
    made.run(x)
    once = dict(made.counters)
    made.run(x)
    assert dict(made.counters) == {name: 2 * n for name, n in once.items()}
    assert sum(once.values()) > 0


@pytest.mark.parametrize("shape", [(0,), (3, 0), (0, 4)])
def test_no_tokens(network, kernel, shape):
    y = engine.Engine(network, kernel).run(np.zeros((*shape, network.d_in), int))
    assert y.shape == (*shape, network.d_out)


@pytest.mark.parametrize("dtype", ["i2", "i4", "i8", ">i4", "u2", "f4", "f8"])
def test_any_array_of_whole_numbers(network, random_tokens, kernel, dtype):
    x = abs(random_tokens(network, 20)) >> 1
    y = spec.reference.run(network, x)
    made = engine.Engine(network, kernel)
    np.testing.assert_array_equal(made.run(x.astype(dtype)), y)
    every_other = np.asfortranarray(x.astype(dtype))[::2]
    expected = spec.reference.run(network, x[::2])
    np.testing.assert_array_equal(made.run(every_other), expected)
    shifted = np.frombuffer(b"x" + x.tobytes(), x.dtype, offset=1).reshape(x.shape)
    np.testing.assert_array_equal(made.run(shifted), y)


def test_inputs_that_do_not_fit(network, random_tokens, kernel):
    made, x = engine.Engine(network, kernel), random_tokens(network, 20)
    x[3, 4] = 32768
    with pytest.raises(SpecError, match="token 3, value 32768 at 4"):
        made.run(x)
    with pytest.raises(SpecError, match="does not fit"):
        made.run(np.full((2, network.d_in), 2**40))
    for shape in ((20, 3), (4,), (1, 2, 3, 4)):
        with pytest.raises(SpecError, match="input: shape"):
            made.run(np.zeros(shape, int))
    with pytest.raises(SpecError, match="whole numbers"):
        made.run(np.full((2, network.d_in), 0.5))


@pytest.mark.parametrize("threads", [1, 2])
def test_a_batch_with_one_bad_token_is_refused(network, random_tokens, kernel, threads):
    made = engine.Engine(network, kernel, threads)
    x = np.stack([random_tokens(network, 40, seed) for seed in range(5)])
    bad = x.copy()
    bad[4, 39, 0] = -32769
    with pytest.raises(SpecError, match="sequence 4, token 39, value -32769 at 0"):
        made.run(bad)
    assert not made.counters  # of what was answered before it was found
    made.run(x)
    assert sum(made.counters.values()) > 0


def test_only_networks_come_in(network):
    for other in (None, "file.net", SimpleNamespace(layers=network.layers)):
        with pytest.raises(SpecError, match=r"needs a spec\.Network"):
            engine.Engine(other)
        with pytest.raises(SpecError, match=r"needs a spec\.Network"):
            engine.Stream(other)


def test_a_network_broken_behind_its_back_is_refused(network):
    """Frozen dataclasses can be forced; the engine checks again."""
    object.__setattr__(network.layers[1].z, "bits", 31)
    with pytest.raises(SpecError, match="layer 1"):
        engine.Engine(network)


def test_matrices_with_bad_indices_are_refused():
    layer = engine.EXTENSION.LayerDescription()
    ints = lambda *v: np.array(v, dtype=np.int64)  # noqa: E731
    layer.set_matrix("W", 2, 3, 16, ints(0, 1, 2), ints(0, 2), ints(5, -128))
    bad = [
        (ints(0, 1), ints(0), ints(5)),
        (ints(0, 2, 1), ints(0, 2), ints(5, 5)),
        (ints(0, 1, 3), ints(0, 2), ints(5, 5)),
        (ints(-1, 1, 2), ints(0, 2), ints(5, 5)),
        (ints(0, 1, 2), ints(0, 3), ints(5, 5)),
        (ints(0, 1, 2), ints(-1, 2), ints(5, 5)),
        (ints(0, 1, 2), ints(0, 2), ints(5, 128)),
        (ints(0, 1, 2), ints(0, 2), ints(5)),
    ]
    for parts in bad:
        with pytest.raises(ValueError, match="bad indices or values"):
            layer.set_matrix("W", 2, 3, 16, *parts)


def test_arguments(network):
    with pytest.raises(SpecError, match="kernel is 'mmx', this machine has: scalar"):
        engine.Engine(network, "mmx")
    for threads in (0, 1.5, "2", None):
        with pytest.raises(SpecError, match=f"threads is {threads!r}"):
            engine.Engine(network, threads=threads)
    with pytest.raises(SpecError, match="layout is 'coo'"):
        engine.Engine(network, layout="coo")


def test_the_fastest_kernel_is_chosen(network):
    made = engine.Engine(network)
    assert made.kernel == engine.available()[-1]
    assert made.notes == ()
    assert engine.available()[0] == "scalar"


def test_layout_follows_sparsity(kernel):
    if kernel == "scalar":
        pytest.skip("has one layout")
    for density, layout in ((0.1, "sparse"), (0.9, "dense")):
        network = spec.random_network(
            np.random.default_rng(0), 192, 192, 128, 192, density=density
        )
        assert set(engine.Engine(network, kernel).layouts) == {layout}


def test_unbuilt_extension_says_what_to_do(network, monkeypatch):
    monkeypatch.setattr(_extension, "EXTENSION", None)
    monkeypatch.setattr(_extension, "_REASON", "no compiler", raising=False)
    assert engine.available() == ()
    for make in (engine.Engine, engine.Stream):
        with pytest.raises(SpecError, match=r"not built \(no compiler\).*reference"):
            make(network)


def test_runs_in_several_threads_count_every_overflow(network, random_tokens, at_once):
    made, x = engine.Engine(network), random_tokens(network, 30)
    made.run(x)
    once = dict(made.counters)
    at_once(lambda i: [made.run(x) for _ in range(50)])
    assert dict(made.counters) == {name: 201 * n for name, n in once.items()}
