# SPDX-License-Identifier: BSD-3-Clause
"""The head of a network as a Process: an answer a sequence leaves, and no more."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from lava.magma.core.run_conditions import RunSteps

from lava_sparse_rnn import backends, proc, spec
from lava_sparse_rnn.fixed_point import SpecError

TOKENS, SEQUENCES = 5, 3


@pytest.fixture(scope="module")
def network() -> spec.Network:
    return spec.random_network(np.random.default_rng(3))


def wires(network: spec.Network) -> np.ndarray:
    fmt = network.layers[0].inp.format
    shape = (SEQUENCES, TOKENS, network.d_in)
    return np.random.default_rng(4).integers(fmt.lowest // 4, fmt.highest // 4, shape)


def run_in_lava(net, x, mode="pipelined", tag="fixed_pt", runtime=None, **options):
    """What a head sends in every time step, and the head."""
    clock = proc.Clock()
    period = 1 if mode == "pipelined" else net.latency
    timing = {"mode": mode, "reset_interval": TOKENS * period, "clock": clock}
    source = proc.Source(data=x.reshape(-1, net.d_in), period=period, clock=clock)
    rnn = proc.SparseRNN(net, **timing)
    head = proc.Head.of(net, TOKENS, mode, clock=clock, **options)
    steps = (len(x) * TOKENS - 1) * period + net.latency + 1
    sink = proc.Sink(shape=head.s_out.shape, num_steps=steps, clock=clock)
    source.s_out.connect(rnn.inp)
    rnn.out.connect(head.a_in)
    head.s_out.connect(sink.a_in)
    rnn.run(RunSteps(steps), proc.RunCfg(tag, runtime=runtime))
    sent, counted = sink.data, head.overflow_kept.get()
    rnn.stop()
    return sent, head, counted


@pytest.mark.parametrize("mode", proc.MODES)
@pytest.mark.parametrize("kind", ["mean", "last"])
def test_one_message_a_sequence_and_the_answer_of_every_backend(network, kind, mode):
    net = replace(network, meta={"head": kind})
    x = wires(net)
    sent, head, _ = run_in_lava(net, x, mode)
    period = 1 if mode == "pipelined" else net.latency
    last = net.latency + period * (TOKENS * np.arange(1, SEQUENCES + 1) - 1)
    assert np.flatnonzero(sent.any(axis=1)).tolist() == last.tolist()
    y = spec.reference.run(net, x)
    kept = y.sum(axis=1) if kind == "mean" else y[:, -1]
    assert np.array_equal(sent[last], kept >> head.shift)
    real = net.layers[0].inp.format.dequantize(x)
    count = TOKENS if kind == "mean" else 1
    answers = backends.answer(net, real, backend="reference")
    assert head.shift == 0
    assert np.array_equal(net.from_wire(sent[last]) / count, answers)


def test_only_the_class_leaves(network):
    net = replace(network, meta={"head": "mean"})
    x = wires(net)
    sent, _, _ = run_in_lava(net, x, output="class")
    classes = spec.reference.run(net, x).sum(axis=1).argmax(axis=1)
    assert sent.shape[1:] == (1,)
    assert sent[sent != 0].tolist() == (classes + 1).tolist()


@pytest.mark.parametrize("tag", ["fixed_pt", "floating_pt"])
@pytest.mark.parametrize("kind", ["mean", "last"])
def test_the_class_is_that_of_real_values(kind, tag):
    net = replace(spec.load("watch"), meta={"head": kind})
    assert len(set(net.layers[-1].out.frac.tolist())) > 1
    fmt, rng = net.layers[0].inp.format, np.random.default_rng(5)
    shape = (60, TOKENS, net.d_in)
    x = fmt.quantize(rng.standard_normal(shape))
    y = spec.reference.run(net, x)
    kept = y.sum(axis=1) if kind == "mean" else y[:, -1]
    classes = net.from_wire(kept).argmax(axis=1)
    assert (classes != kept.argmax(axis=1)).any()  # binary points differ
    sent, _, _ = run_in_lava(net, x, output="class", tag=tag)
    found = sent[sent != 0].astype(int) - 1
    if tag == "floating_pt":  # its answers are not rounded
        assert (found == classes).mean() > 0.9
    else:
        assert found.tolist() == classes.tolist()


def test_real_values(network):
    net = replace(network, meta={"head": "mean"})
    x = wires(net)
    sent, _, _ = run_in_lava(net, x, tag="floating_pt")
    y = proc.run(net, x.astype(float), "floating_pt")
    found = sent[sent.any(axis=1)]
    # The order of additions is the same: one token after another.
    assert np.array_equal(found, [np.add.accumulate(part)[-1] for part in y])


@pytest.mark.slow
def test_both_runtimes_send_the_same(network):
    net = replace(network, meta={"head": "mean"})
    inline, processes = (
        run_in_lava(net, wires(net), runtime=name)[0]
        for name in ("inline", "processes")
    )
    assert np.array_equal(inline, processes)


def in_one(data, **options):
    """A head alone between a source and a sink: what it sends, and itself."""
    source = proc.Source(data=data)
    head = proc.Head(shape=data.shape[1:], **options)
    sink = proc.Sink(shape=head.s_out.shape, num_steps=len(data))
    source.s_out.connect(head.a_in)
    head.s_out.connect(sink.a_in)
    return source, head, sink


def test_without_a_length_it_sends_what_it_has():
    data = np.array([[1, -2], [3, 5], [-7, 0]])
    _, head, sink = in_one(data)
    head.run(RunSteps(3), proc.RunCfg())
    assert np.array_equal(sink.data, np.cumsum(data, axis=0))
    head.stop()


def test_sums_saturate_at_32_bits_and_are_counted():
    data = np.array([[2**31 - 1, -(2**31)], [1, -1], [-3, 4]])
    _, head, sink = in_one(data, shift=4)
    head.run(RunSteps(3), proc.RunCfg())
    kept = np.array([[2**31 - 1, -(2**31)]] * 2 + [[2**31 - 4, -(2**31) + 4]])
    assert np.array_equal(sink.data, kept >> 4)
    assert head.overflow_kept.get() == 2
    head.stop()


def test_a_reset_from_outside_empties_it():
    data = np.array([[3], [4], [5], [6]])
    _, head, _ = in_one(data)
    head.run(RunSteps(2), proc.RunCfg())
    assert head.kept.get() == 7
    proc.reset(head)
    assert head.kept.get() == 0
    head.run(RunSteps(1))
    assert head.kept.get() == 5
    head.stop()


def test_sums_of_long_sequences_are_shifted_into_a_message(network):
    net = replace(network, meta={"head": "mean"})
    bits = net.layers[-1].out.bits
    for tokens in (1, 2, 255, 256, 257, 784):
        shift = proc.Head.of(net, tokens).shift
        largest = tokens * 2 ** (bits - 1)
        assert -(-largest >> shift) <= 2**23
        assert shift == 0 or -(-largest >> (shift - 1)) > 2**23
    last = replace(network, meta={"head": "last"})
    assert proc.Head.of(last, 784).shift == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"shape": ()}, r"shape is \(\)"),
        ({"shape": (2, 3)}, r"shape is \(2, 3\)"),
        ({"shape": (2,), "head": "sequence"}, "head is 'sequence'"),
        ({"shape": (2,), "output": "logits"}, "output is 'logits'"),
        ({"shape": (2,), "shift": 32}, "shift is 32, must be at most 31"),
        ({"shape": (2,), "shift": 0.5}, "shift is 0.5"),
        (
            {"shape": (2,), "frac": (3,)},
            r"frac is int64 of shape \(1,\), must be whole",
        ),
        ({"shape": (2,), "frac": (3.0, 4.0)}, "frac is float64 of shape"),
        ({"shape": (2,), "frac": (3, 40)}, "frac reaches from 3 to 40, must differ by"),
        ({"shape": (2,), "reset_interval": 0}, "reset_interval is 0"),
    ],
)
def test_wrong_arguments_are_named(options, message):
    with pytest.raises(SpecError, match=message):
        proc.Head(**options)


def test_a_network_that_answers_every_token_has_none(network):
    with pytest.raises(SpecError, match="the network's head is 'sequence'"):
        proc.Head.of(network, 5)
    with pytest.raises(SpecError, match="tokens is 0"):
        proc.Head.of(replace(network, meta={"head": "last"}), 0)
