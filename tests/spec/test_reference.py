# SPDX-License-Identifier: BSD-3-Clause
"""The reference executor against the contract written a second way."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lava_sparse_rnn import spec
from lava_sparse_rnn.fixed_point import OverflowCounters, RealArithmetic, SpecError
from lava_sparse_rnn.spec.reference import Reference


class Scalar:
    """The contract for one number at a time, in Python integers."""

    def __init__(self, network):
        self.network, self.recipe = network, network.recipe
        self.counts = Counter()
        self.trace = {}
        self.states = {}

    def shift(self, q, s):
        if s <= 0:
            return q << -s
        if self.recipe.rounding == "nearest":
            q += 1 << (s - 1)
        return q >> s

    def fit(self, v, bits, name, counted=True):
        half = 1 << (bits - 1)
        if self.recipe.overflow == "saturate":
            fitted = max(-half, min(half - 1, v))
        else:
            fitted = (v + half) % (2 * half) - half
        if counted:
            self.counts[name] += fitted != v
        return fitted

    def sigmoid(self, g, frac):
        lines, p = self.recipe.sigmoid, 32768
        for slope, s, offset in zip(
            lines.slope, lines.shift, lines.offset, strict=True
        ):
            p = min(p, (int(slope) * abs(g) >> (int(s) + frac)) + int(offset))
        return p if g >= 0 else 32768 - p

    def token(self, u):
        u = [int(v) for v in u]
        for i, layer in enumerate(self.network.layers):
            u = getattr(self, layer.type)(layer, u, f"layer{i}_")
        return u

    def affine(self, layer, u, at):
        W, out = layer.weights.matrix.toarray(), []
        for i in range(layer.out.size):
            acc = sum(int(w) * v for w, v in zip(W[i], u, strict=True))
            acc += int(layer.bias.mant[i]) << int(layer.bias.exp[i])
            frac = int(layer.weights.frac[i]) + layer.inp.ref
            v = self.shift(acc, frac - int(layer.out.frac[i]))
            v = max(v, 0) if layer.relu else v
            out.append(self.fit(v, layer.out.bits, at + "out"))
        self.trace.setdefault(at + "out", []).append(out)
        return out

    def s5(self, b, u, at):
        dot = lambda m, i, v: sum(int(w) * x for w, x in zip(m[i], v, strict=True))  # noqa: E731
        M = {k: v.matrix.toarray() for k, v in b.matrices.items()}
        state = self.states.setdefault(at, [(0, 0)] * b.d_state)
        s_re, s_im = [], []
        for i in range(b.d_state):
            k = int(b.B_re.frac[i]) + b.inp.ref - int(b.state.frac[i])
            bias_re = int(b.bias_x_re.mant[i]) << int(b.bias_x_re.exp[i])
            bias_im = int(b.bias_x_im.mant[i]) << int(b.bias_x_im.exp[i])
            d_re = self.shift(dot(M["B_re"], i, u) + bias_re, k)
            d_im = self.shift(dot(M["B_im"], i, u) + bias_im, k)
            (re, im), fa = state[i], int(b.a_format.frac)
            a_re, a_im = int(b.a_re[i]), int(b.a_im[i])
            new_re = self.shift(a_re * re, fa) - self.shift(a_im * im, fa) + d_re
            new_im = self.shift(a_re * im, fa) + self.shift(a_im * re, fa) + d_im
            new_re = self.fit(new_re, b.state.bits, at + "x_re")
            new_im = self.fit(new_im, b.state.bits, at + "x_im")
            state[i] = (new_re, new_im)
            k = int(b.state.frac[i]) - int(b.s.frac[i])
            full = self.shift(new_re, k), self.shift(new_im, k)
            re, im = (self.fit(v, b.s.bits, "", counted=False) for v in full)
            rule = self.recipe.state_nonlinearity
            if rule == "real_gate":
                keep = (re, im) > (0, 0)  # Python compares tuples like the reference
                keep_re = keep_im = keep
            else:
                keep_re, keep_im = (rule == "none" or v > 0 for v in (re, im))
            self.counts[at + "s_re"] += keep_re and re != full[0]
            self.counts[at + "s_im"] += keep_im and im != full[1]
            s_re.append(re if keep_re else 0)
            s_im.append(im if keep_im else 0)
        z = []
        for i in range(b.d_model):
            acc = dot(M["C_re"], i, s_re) + dot(M["C_imn"], i, s_im)
            k_C = int(b.C_re.frac[i]) + b.s.ref - 1 - int(b.z.frac[i])
            k_D = int(b.D.frac[i]) + int(b.inp.frac[i]) - int(b.z.frac[i])
            y = self.shift(acc, k_C) + self.shift(int(b.D.values[i]) * u[i], k_D)
            y += int(b.bias_z.mant[i]) << int(b.bias_z.exp[i])
            z.append(self.fit(max(y, 0), b.z.bits, at + "z"))
        out, gs = [], []
        for i in range(b.d_model):
            acc = dot(M["W"], i, z) + (int(b.bias_g.mant[i]) << int(b.bias_g.exp[i]))
            frac = int(b.g.frac[i])
            g = self.shift(acc, int(b.W.frac[i]) + b.z.ref - frac)
            g = self.fit(g, b.g.bits, at + "g")
            k_h = int(b.z.frac[i]) + 15 - int(b.out.frac[i])
            k_u = int(b.inp.frac[i]) - int(b.out.frac[i])
            v = self.shift(z[i] * self.sigmoid(g, frac), k_h) + self.shift(u[i], k_u)
            out.append(self.fit(max(v, 0), b.out.bits, at + "out"))
            gs.append(g)
        x_re, x_im = zip(*state, strict=True)
        values = dict(x_re=x_re, x_im=x_im, s_re=s_re, s_im=s_im, z=z, g=gs, out=out)
        for name, value in values.items():
            self.trace.setdefault(at + name, []).append(list(value))
        return out


def check(network, x):
    scalar, trace, counters = Scalar(network), {}, OverflowCounters()
    expected = [scalar.token(u) for u in x]
    y = spec.reference.run(network, x, trace, counters)
    assert y.tolist() == expected
    assert trace.keys() == scalar.trace.keys()
    for name, value in trace.items():
        assert value.tolist() == scalar.trace[name], name
    assert +counters == +scalar.counts


def test_every_policy(policy_recipe, random_tokens):
    network = spec.random_network(np.random.default_rng(1), recipe=policy_recipe)
    check(network, random_tokens(network, 12))


@given(
    seed=st.integers(0, 2**32),
    sizes=st.tuples(*[st.integers(1, 7)] * 4),
    n_blocks=st.integers(0, 2),
    bits=st.tuples(
        st.sampled_from([4, 8]), st.sampled_from([8, 16]), st.sampled_from([16, 24])
    ),
)
def test_random_networks(seed, sizes, n_blocks, bits):
    rng = np.random.default_rng(seed)
    d_in, d_model, d_state, d_out = sizes
    weight_bits, wire_bits, state_bits = bits
    recipe = spec.Recipe(
        rng.choice(["floor", "nearest"]).item(),
        rng.choice(["saturate", "wrap"]).item(),
        rng.choice(spec.NONLINEARITIES).item(),
        weight_bits=weight_bits,
        wire_bits=wire_bits,
        state_bits=state_bits,
    )
    network = spec.random_network(
        rng, d_in, d_model, d_state, d_out, n_blocks, 0.5, recipe
    )
    half = 1 << (wire_bits - 1)
    check(network, rng.integers(-half, half, (6, d_in)))


def test_pieces_give_the_same_as_the_whole(random_tokens):
    network = spec.random_network(np.random.default_rng(3), n_blocks=2)
    x = random_tokens(network, 20)
    executor = Reference(network)
    pieces = [executor.run(x[a:b]) for a, b in ((0, 1), (1, 9), (9, 9), (9, 20))]
    whole = spec.reference.run(network, x)
    assert np.array_equal(np.concatenate(pieces), whole)


def test_reset_and_state_round_trip(random_tokens):
    network = spec.random_network(np.random.default_rng(3), n_blocks=2)
    x = random_tokens(network, 20)
    executor = Reference(network)
    first = executor.run(x)
    state = executor.state
    later = executor.run(x)
    assert not np.array_equal(first, later)
    executor.state = state
    assert np.array_equal(executor.run(x), later)
    executor.reset()
    assert np.array_equal(executor.run(x), first)


def test_real_arithmetic_is_near_where_nothing_overflows():
    network = spec.random_network(np.random.default_rng(11), n_blocks=1)
    x = np.random.default_rng(0).integers(-300, 300, (30, network.d_in))
    counters = OverflowCounters()
    y = spec.reference.run(network, x, counters=counters)
    assert not +counters
    real = Reference(network, RealArithmetic()).run(x)
    assert np.abs(y - real).max() < 0.01 * np.abs(real).max()


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.zeros((3, 4), int), r"shape \(3, 4\), must be \(T, 5\)"),
        (np.zeros(5, int), r"must be \(T, 5\)"),
        (np.full((2, 5), 0.5), "whole numbers"),
        (np.full((2, 5), 1 << 15), "value 32768 at 0 does not fit the 16-bit wire"),
    ],
)
def test_bad_input(x, message):
    network = spec.random_network(np.random.default_rng(0))
    with pytest.raises(SpecError, match=message):
        spec.reference.run(network, x)


def test_no_tokens_give_no_answers():
    network = spec.random_network(np.random.default_rng(0))
    assert spec.reference.run(network, np.zeros((0, 5), int)).shape == (0, 4)
