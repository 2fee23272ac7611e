# SPDX-License-Identifier: BSD-3-Clause
"""What a denoiser takes away is taken away more than once, by its decoder alone."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lava_sparse_rnn import spec
from lava_sparse_rnn.audio import AudioError, FrontEnd, oversubtract
from lava_sparse_rnn.spec import reference

FRONT = FrontEnd(n_fft=64, hop_length=16, feature_mean=0.2)


def network(seed, **recipe):
    made = spec.random_network(
        np.random.default_rng(seed), d_in=33, d_model=12, d_state=8, d_out=33
    )
    return replace(made, meta=FRONT.metadata(), recipe=spec.Recipe(**recipe))


def answers(net, x):
    """Of the decoder, as real numbers, and what all other layers send."""
    trace: dict[str, np.ndarray] = {}
    out = reference.run(net, x, trace)
    last = f"layer{len(net.layers) - 1}_out"
    return net.from_wire(out), [v for k, v in trace.items() if k != last]


@given(
    seed=st.integers(0, 2**16),
    factor=st.floats(1, 4),
    overflow=st.sampled_from(["saturate", "wrap"]),
)
def test_answers_grow_by_the_factor_and_nothing_else_changes(seed, factor, overflow):
    net = network(seed, overflow=overflow)
    more = oversubtract(net, factor)
    x = np.random.default_rng(seed).integers(-3000, 3000, (12, 33))
    (_, before), (found, same) = answers(net, x), answers(more, x)
    for a, b in zip(before, same, strict=True):
        assert np.array_equal(a, b)
    assert more.layers[:-1] == net.layers[:-1]
    assert more.meta == net.meta

    # Equation a second way: the old decoder's real numbers, times the factor. Weights
    # and bias are off by half a unit at most, the answers by one.
    old, new = net.layers[-1], more.layers[-1]
    u = before[-1] * 2.0**-old.inp.ref  # the wire of the layer before it
    exact = u @ (old.weights.matrix.toarray().T * 2.0**-old.weights.frac)
    exact = factor * (exact + old.bias.value * 2.0**-old.acc_frac)
    unit = 2.0**-new.weights.frac
    slack = np.abs(u).sum(1, keepdims=True) * unit / 2 + 2.0**-new.acc_frac
    fits = np.abs(exact) < 2.0 ** (new.out.bits - 1 - new.out.frac) - slack - 1e-9
    off = np.abs(found - exact)[fits]
    unit_out = np.broadcast_to(2.0**-new.out.frac, exact.shape)
    assert (off <= (slack + unit_out)[fits]).all()
    assert fits.any()


def test_a_factor_of_one_is_the_same_network():
    net = network(1)
    assert oversubtract(net, 1) is net


def test_rows_of_zeros_stay_zero():
    net = network(2)
    old = net.layers[-1]
    matrix = old.weights.matrix.toarray()
    matrix[3] = 0
    weights = spec.Weights(matrix, old.weights.frac, old.weights.bits)
    net = replace(net, layers=(*net.layers[:-1], replace(old, weights=weights)))
    found = oversubtract(net, 1.5).layers[-1]
    assert found.weights.frac[3] == old.weights.frac[3]
    assert not found.weights.matrix.toarray()[3].any()
    assert found.bias.value[3] == np.rint(1.5 * old.bias.value[3])


def test_a_factor_that_might_overflow_is_refused():
    full = np.full((33, 512), 60)
    wide = spec.Affine(
        inp=spec.Wire(16, np.full(512, 10), 10),
        weights=spec.Weights(full, np.full(33, 8), 8),
        bias=spec.Bias.zeros(33),
        out=spec.Wire(16, np.full(33, 13), 13),
        relu=False,
    )
    first = spec.random_network(
        np.random.default_rng(0), d_in=33, d_model=512, d_state=8, d_out=33
    ).layers[0]
    first = replace(first, out=wide.inp)
    net = spec.Network((first, wide), spec.Recipe(), FRONT.metadata())
    with pytest.raises(AudioError, match="factor is 1.9, too large here: "):
        oversubtract(net, 1.9)


@pytest.mark.parametrize("factor", [0, 0.9, 4.5, float("nan"), True, "2"])
def test_a_factor_out_of_range_is_refused(factor):
    with pytest.raises(AudioError, match="must be from 1 to 4"):
        oversubtract(network(3), factor)


def test_only_denoisers_have_something_to_take_away():
    with pytest.raises(AudioError, match="task"):
        oversubtract(spec.load("digits"), 1.2)
