# SPDX-License-Identifier: BSD-3-Clause
"""Time steps: pipeline fill, pipelined and fall-through, resets.

A network is simulated step by step: a spike of one step arrives in the next, and
paths that skip hops wait as long as the others take.
"""

import numpy as np
import pytest

from lava_sparse_rnn import microcode, spec
from lava_sparse_rnn.fixed_point import OverflowCounters
from lava_sparse_rnn.microcode import MicrocodeError, Timing
from lava_sparse_rnn.spec.groups import (
    AffineGroup,
    GateGroup,
    ReadoutGroup,
    RecurrenceGroup,
)


class Stepper:
    """A network in time steps."""

    def __init__(self, network, period=1, reset_interval=0):
        self.network = network
        self.sent = {"u0": []}
        self.groups, self.rules = {}, {}
        recipe = network.recipe
        depth = 0
        for i, layer in enumerate(network.layers):
            u, at = f"u{i}", f"u{i + 1}"
            depth += 1
            if layer.type == "affine":
                made = {at: (AffineGroup.of(layer, recipe), depth)}
                W = layer.weights.matrix
                self.rules[at] = lambda W=W, u=u: {"W": W @ self.past(u, 1)}
            else:
                s, z = f"s{i}", f"z{i}"
                made = {
                    s: (RecurrenceGroup.of(layer, recipe), depth),
                    z: (ReadoutGroup.of(layer, recipe), depth + 1),
                    at: (GateGroup.of(layer, recipe), depth + 2),
                }
                depth += 2
                self.connect(layer, u, s, z, at)
            for name, (group, k) in made.items():
                timing = Timing(k, period, reset_interval)
                self.groups[name] = microcode.interpreter_for(
                    group, recipe.rounding, recipe.overflow, timing
                )
                self.sent[name] = []

    def connect(self, block, u, s, z, out):
        m = {name: w.matrix for name, w in block.matrices.items()}
        d, n = block.d_model, block.d_state
        self.rules[s] = lambda: {
            "B_re": m["B_re"] @ self.past(u, 1),
            "B_im": m["B_im"] @ self.past(u, 1),
        }
        self.rules[z] = lambda: {
            "C": m["C_re"] @ self.past(s, 1)[:n] + m["C_imn"] @ self.past(s, 1)[n:],
            "D": block.D.values * self.past(u, 2),
        }
        self.rules[out] = lambda: {
            "W": m["W"] @ self.past(z, 1),
            "z": self.past(z, 1),
            "u": self.past(u, 3),
        }
        self.sizes = getattr(self, "sizes", {}) | {s: 2 * n, z: d}

    def past(self, wire, delay):
        sent = self.sent[wire]
        # Every wire already has the entry of this step, empty or not.
        if len(sent) > delay:
            return sent[-1 - delay]
        sizes = {"u0": self.network.d_in} | self.sizes
        for i, layer in enumerate(self.network.layers):
            sizes[f"u{i + 1}"] = layer.out.size
        return np.zeros(sizes[wire], dtype=np.int64)

    def step(self, u):
        for wire in self.sent.values():
            wire.append(None)
        self.sent["u0"][-1] = u
        arrived = {name: rule() for name, rule in self.rules.items()}
        for name, group in self.groups.items():
            sent = group.step(arrived[name])
            self.sent[name][-1] = np.concatenate(list(sent.values()))
        return self.sent[f"u{len(self.network.layers)}"][-1]

    def run(self, x):
        return np.array([self.step(u) for u in x])

    def reset(self):
        for group in self.groups.values():
            group.reset()
        for wire in self.sent.values():
            wire.clear()


def padded(x, n):
    return np.concatenate([x, np.zeros((n, x.shape[1]), dtype=x.dtype)])


def spread(x, period):
    """One token every ``period`` steps, zeros between."""
    out = np.zeros((len(x) * period, x.shape[1]), dtype=x.dtype)
    out[::period] = x
    return out


def make(paired_recipe, n_blocks=2):
    rng = np.random.default_rng(11)
    network = spec.random_network(rng, 4, 6, 5, 3, n_blocks, recipe=paired_recipe)
    # Biases must be there: without them the fill would not matter.
    assert network.layers[1].bias_x_re.value.any()
    return network


def test_pipelined(paired_recipe, random_tokens):
    network = make(paired_recipe)
    x = random_tokens(network, 15)
    expected = spec.reference.run(network, x)
    stepper = Stepper(network)
    y = stepper.run(padded(x, network.latency))
    np.testing.assert_array_equal(y[network.latency :], expected)
    stepper.reset()
    again = stepper.run(padded(x, network.latency))
    np.testing.assert_array_equal(again[network.latency :], expected)


def test_the_state_stays_at_zero_through_the_fill(random_tokens):
    network = make(spec.Recipe())
    stepper = Stepper(network)
    for step, u in enumerate(random_tokens(network, 8)):
        stepper.step(u)
        for name, depth in (("s1", 2), ("s2", 5)):
            x = stepper.groups[name].state
            busy = bool(x["x_re"].any() or x["x_im"].any())
            assert busy == (step >= depth), (step, name)


def test_fall_through(paired_recipe, random_tokens):
    network = make(paired_recipe)
    latency = network.latency
    x = random_tokens(network, 8)
    trace, overflows = {}, OverflowCounters()
    expected = spec.reference.run(network, x, trace, overflows)
    stepper = Stepper(network, period=latency)
    y = stepper.run(padded(spread(x, latency), 1))
    np.testing.assert_array_equal(y[latency::latency][: len(x)], expected)
    # Between tokens the recurrence counts nothing, keeps its state, is silent.
    for i in (1, 2):
        group = stepper.groups[f"s{i}"]
        for name in ("x_re", "x_im", "s_re", "s_im"):
            assert group.counters[name] == overflows[f"layer{i}_{name}"]
        sent = np.array(stepper.sent[f"s{i}"])
        assert not np.delete(sent, np.s_[3 * i - 1 :: latency], axis=0).any()
        last = trace[f"layer{i}_x_re"][-1]
        np.testing.assert_array_equal(group.read("x_re"), last)


@pytest.mark.parametrize("interval", [1, 3, 4])
@pytest.mark.parametrize("mode", ["pipelined", "fall_through"])
def test_reset_interval(mode, interval, random_tokens):
    network = make(spec.Recipe())
    period = {"pipelined": 1, "fall_through": network.latency}[mode]
    x = random_tokens(network, 11)
    pieces = np.split(x, range(interval, len(x), interval))
    expected = np.concatenate([spec.reference.run(network, p) for p in pieces])
    assert not np.array_equal(expected, spec.reference.run(network, x))
    stepper = Stepper(network, period, interval * period)
    y = stepper.run(padded(spread(x, period), network.latency))
    np.testing.assert_array_equal(y[network.latency :: period][: len(x)], expected)


def test_timings_that_cannot_be():
    with pytest.raises(MicrocodeError, match="depth is -1, must be 0 or more"):
        Timing(depth=-1)
    with pytest.raises(MicrocodeError, match="period is 0, must be 1 or more"):
        Timing(period=0)
    with pytest.raises(MicrocodeError, match="is 8, must be a multiple of the period"):
        Timing(period=5, reset_interval=8)
