# SPDX-License-Identifier: BSD-3-Clause
"""This library's processes between Lava's own, step by step.

What Lava's processes do is written here again, from their documentation, in numpy.
"""

import numpy as np
import pytest
from lava.proc.dense.process import DelayDense, Dense
from lava.proc.lif.process import LIF
from lava.proc.sdn.process import ActivationMode, Delta, Sigma, SigmaDelta
from lava.proc.sparse.process import Sparse
from lava.utils.weightutils import SignMode

from lava_sparse_rnn import proc, spec
from lava_sparse_rnn.fixed_point import RealArithmetic
from lava_sparse_rnn.proc._runtime.runtime import run_steps, running
from lava_sparse_rnn.spec import reference
from lava_sparse_rnn.spec.groups import AffineGroup, RecurrenceGroup

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("leaves_nothing")]

T, D_IN, D_MODEL, D_OUT = 20, 4, 6, 3
TAGS = ("fixed_pt", "floating_pt")
# Signed weights of 8 bits: Lava keeps even ones, so they travel doubled.
SIGNED = {"weight_exp": -1, "num_weight_bits": 8, "sign_mode": SignMode.MIXED}


def weights(rng, n_out, n_in, largest=127):
    return rng.integers(-largest, largest + 1, (n_out, n_in))


def block_of(rng, inp, **options):
    """A block without biases: while its pipeline fills it sends zeros."""
    a = rng.uniform(0.5, 0.95, 5) * np.exp(1j * rng.uniform(0, 3, 5))
    B = 0.3 * (rng.normal(size=(5, D_MODEL)) + 1j * rng.normal(size=(5, D_MODEL)))
    C = 0.3 * (rng.normal(size=(D_MODEL, 5)) + 1j * rng.normal(size=(D_MODEL, 5)))
    D, W = rng.normal(size=D_MODEL), rng.normal(size=(D_MODEL, D_MODEL))
    return proc.S5Block.from_float(a, B, C, D, W, input_range=3.0, inp=inp, **options)


def wire(frac=12, n=D_MODEL):
    return spec.Wire(16, np.full(n, frac), frac)


def answers(block, u, tag):
    arithmetic = {"fixed_pt": None, "floating_pt": RealArithmetic()}[tag]
    return reference.Reference(block.network, arithmetic).run(u)


def later(values, steps):
    """Values that arrive some steps later, after zeros; as long as before."""
    fill = np.zeros((steps, values.shape[1]), values.dtype)
    return np.concatenate([fill, values])[: len(values)]


def run(chain, x, tag="fixed_pt", layered=False):
    """Send ``x`` through a chain of (input port, output port), step by step."""
    source = proc.Source(data=x)
    sink = proc.Sink(shape=chain[-1][1].shape, num_steps=len(x))
    ports = [source.s_out]
    for inp, out in chain:
        ports[-1].connect(inp)
        ports.append(out)
    ports[-1].connect(sink.a_in)
    with running(source, proc.RunCfg(tag, layered=layered)) as runtime:
        run_steps(runtime, len(x))
    return sink.data


def same(found, expected, tag):
    """Integers exactly; real numbers but for the order of sums."""
    assert np.any(expected)
    if tag == "fixed_pt":
        np.testing.assert_array_equal(found, expected)
    else:
        scale = abs(expected).max()
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12 * scale)


def lif_fixed(acc, vth, du, dv):
    """Loihi's neuron: decays of 12 bits that round towards zero, inputs times 64."""
    u = v = np.zeros(acc.shape[1], dtype=np.int64)
    spikes = []

    def decay(state, by):
        return np.sign(state) * (abs(state) * (4096 - by) // 4096)

    for a in acc:
        u = decay(u, du + 1) + 64 * a
        v = decay(v, dv) + u
        assert max(abs(u).max(), abs(v).max()) < 2**23
        spikes.append(v > 64 * vth)
        v = np.where(spikes[-1], 0, v)
    return np.array(spikes, dtype=np.int64)


def lif_float(acc, vth, du, dv):
    u = v = np.zeros(acc.shape[1])
    spikes = []
    for a in acc:
        u = u * (1 - du) + a
        v = v * (1 - dv) + u
        spikes.append(v > vth)
        v = np.where(spikes[-1], 0, v)
    return np.array(spikes, dtype=np.float64)


def delta(values, vth):
    """Changes of at least ``vth`` are sent; smaller ones wait in the residue."""
    before = residue = np.zeros_like(values[0])
    sent = []
    for value in values:
        change = value - before + residue
        sent.append(np.where(abs(change) >= vth, change, 0))
        before, residue = value, change - sent[-1]
    return np.array(sent)


@pytest.mark.parametrize("layered", [False, True])
@pytest.mark.parametrize("tag", TAGS)
def test_dense_affine_block_sparse_lif(tag, layered):
    """Tokens -> Dense -> Affine -> S5Block -> Sparse -> LIF: spikes 5 steps later."""
    rng = np.random.default_rng(0)
    x = rng.integers(-1000, 1001, (T, D_IN))
    w_in, w_out = weights(rng, D_MODEL, D_IN), weights(rng, D_OUT, D_MODEL, 20)
    k = 5
    group = AffineGroup(np.zeros(D_MODEL, int), np.full(D_MODEL, k), 16, relu=False)
    dense = Dense(weights=2 * w_in, num_message_bits=16, **SIGNED)
    affine = proc.Affine(group=group, weight_exp=-1, depth=1)
    block = block_of(rng, wire(), depth=1)
    onward = Sparse(weights=2 * w_out, num_message_bits=16, **SIGNED)
    decay = {"fixed_pt": {"du": 2047, "dv": 409}, "floating_pt": {"du": 0.5, "dv": 0.1}}
    # The threshold is in the units of what arrives, which is doubled in real numbers.
    vth = {"fixed_pt": 15_000, "floating_pt": 30_000.0}[tag]
    lif = LIF(shape=(D_OUT,), vth=vth, **decay[tag])
    chain = [
        (dense.s_in, dense.a_out),
        (affine.a_in, affine.s_out),
        (block.inp, block.out),
        (onward.s_in, onward.a_out),
        (lif.a_in, lif.s_out),
    ]
    found = run(chain, x, tag, layered)

    acc = x @ w_in.T
    if tag == "fixed_pt":
        u = np.clip(acc >> k, -(2**15), 2**15 - 1)
        acc_out = answers(block, u, tag) @ w_out.T
        expected = lif_fixed(later(acc_out, 5), vth, **decay[tag])
    else:
        acc_out = answers(block, acc / 2**k, tag) @ (2 * w_out).T
        expected = lif_float(later(acc_out, 5), vth, **decay[tag])
    same(found, expected, tag)
    assert not found[:5].any()
    assert 0 < expected.mean() < 1


def test_spikes_drive_a_recurrence():
    """LIF -> Dense of binary spikes -> Recurrence; an open port receives zeros."""
    rng = np.random.default_rng(1)
    n, a_frac = 5, 12
    a_re, a_im = rng.integers(1000, 3000, n), rng.integers(-2000, 2000, n)
    none = np.zeros(n, dtype=np.int64)
    group = RecurrenceGroup(
        bias_re=none,
        bias_im=none,
        k_B=none - 4,
        a_re=a_re,
        a_im=a_im,
        a_frac=a_frac,
        state_bits=24,
        k_x=none,
        bits=24,
        nonlinearity="none",
    )
    x = rng.integers(0, 60, (T, D_IN))
    w = weights(rng, n, D_IN)
    lif = LIF(shape=(D_IN,), vth=50, du=2047, dv=409)
    dense = Dense(weights=2 * w, num_message_bits=0, **SIGNED)
    states = proc.Recurrence(group=group, depth=1)
    chain = [(lif.a_in, lif.s_out), (dense.s_in, dense.a_out)]
    im = proc.Sink(shape=(n,), num_steps=T)
    states.s_im_out.connect(im.a_in)
    found = run([*chain, (states.a_re_in, states.s_re_out)], x)

    spikes = lif_fixed(x, 50, 2047, 409)
    drive = later(spikes @ w.T, 1) << 4
    re = imaginary = none
    expected = []
    for d in drive:
        re, imaginary = (
            (a_re * re >> a_frac) - (a_im * imaginary >> a_frac) + d,
            (a_re * imaginary >> a_frac) + (a_im * re >> a_frac),
        )
        expected.append((re, imaginary))
    expected = np.array(expected)
    assert 0 < spikes.mean() < 1
    same(found, expected[:, 0], "fixed_pt")
    same(im.data, expected[:, 1], "fixed_pt")


@pytest.mark.parametrize("tag", TAGS)
def test_a_block_sends_its_changes_only(tag):
    """S5Block -> Delta -> Sparse -> Sigma -> Affine: 4 steps, exact but for vth."""
    rng = np.random.default_rng(2)
    u = np.repeat(rng.integers(-9000, 9001, (T // 4, D_MODEL)), 4, axis=0)
    block, vth, w = block_of(rng, wire()), 300, weights(rng, D_OUT, D_MODEL, 30)
    group = AffineGroup(np.full(D_OUT, 70), np.full(D_OUT, 3), 16, relu=True)
    encoder, decoder = Delta(shape=(D_MODEL,), vth=vth), Sigma(shape=(D_OUT,))
    synapses = Sparse(weights=2 * w, num_message_bits=17, **SIGNED)
    # Lava's Sigma adds up what is still doubled, so the exponent is the group's.
    affine = proc.Affine(group=group, weight_exp=-1, depth=4)
    chain = [
        (block.inp, block.out),
        (encoder.a_in, encoder.s_out),
        (synapses.s_in, synapses.a_out),
        (decoder.a_in, decoder.s_out),
        (affine.a_in, affine.s_out),
    ]
    found = run(chain, u, tag)

    sent = delta(later(answers(block, u, tag), 3), vth)
    assert 0 < (sent == 0)[3:].mean() < 1
    acc = later(np.cumsum(sent @ w.T, axis=0), 1)
    if tag == "fixed_pt":
        expected = np.minimum(np.maximum((acc + 70) >> 3, 0), 2**15 - 1)
    else:
        expected = np.maximum((acc + 70) / 8, 0)
    same(found, expected, tag)


@pytest.mark.parametrize("layered", [False, True])
def test_sigma_delta_neurons_feed_a_block(layered):
    """Sparse -> SigmaDelta -> Sparse -> Sigma -> S5Block: 5 steps."""
    rng = np.random.default_rng(3)
    x = np.repeat(rng.integers(-40, 41, (T // 2, D_IN)), 2, axis=0)
    w_in, w, vth = weights(rng, D_MODEL, D_IN, 60), weights(rng, D_MODEL, D_MODEL, 2), 9
    changes = np.diff(x, axis=0, prepend=0)  # what a sigma-delta layer receives
    into = Sparse(weights=2 * w_in, num_message_bits=8, **SIGNED)
    neurons = SigmaDelta(
        shape=(D_MODEL,), vth=vth, bias=5, act_mode=ActivationMode.RELU
    )
    onward = Sparse(weights=2 * w, num_message_bits=16, **SIGNED)
    decoder = Sigma(shape=(D_MODEL,))
    block = block_of(rng, wire(), depth=2)
    chain = [
        (into.s_in, into.a_out),
        (neurons.a_in, neurons.s_out),
        (onward.s_in, onward.a_out),
        (decoder.a_in, decoder.s_out),
        (block.inp, block.out),
    ]
    found = run(chain, changes, layered=layered)

    active = np.maximum(later(x @ w_in.T, 1) + 5, 0)
    received = later(np.cumsum(delta(active, vth) @ w.T, axis=0), 1)
    assert abs(received).max() < 2**15
    expected = later(answers(block, received[2:], "fixed_pt"), 0)
    same(found[5:], expected[: T - 5], "fixed_pt")


def integers_of_s4d(s, u):
    """The integer equations of a `spec.S4D`, as docs/arithmetic.md writes them."""
    B_re, B_im = s.B_re.matrix.toarray(), s.B_im.matrix.toarray()
    C_re, C_imn = s.C_re.matrix.toarray(), s.C_imn.matrix.toarray()
    f, k_B = int(s.a_format.frac), s.B_re.frac + s.inp.ref - s.state.frac
    k_x, k_C = s.state.frac - s.s.frac, s.C_re.frac + s.s.ref - 1 - s.out.frac

    def shift(v, k):
        return np.where(k >= 0, v >> np.maximum(k, 0), v << np.maximum(-k, 0))

    def fit(v, bits):
        return np.clip(v, -(2 ** (bits - 1)), 2 ** (bits - 1) - 1)

    re = im = np.zeros(len(s.a_re), dtype=np.int64)
    out = []
    for token in u:
        drive_re, drive_im = shift(B_re @ token, k_B), shift(B_im @ token, k_B)
        new_re = (s.a_re * re >> f) - (s.a_im * im >> f) + drive_re
        new_im = (s.a_re * im >> f) + (s.a_im * re >> f) + drive_im
        re, im = fit(new_re, s.state.bits), fit(new_im, s.state.bits)
        s_re, s_im = fit(shift(re, k_x), s.s.bits), fit(shift(im, k_x), s.s.bits)
        out.append(fit(shift(C_re @ s_re + C_imn @ s_im, k_C), s.out.bits))
    return np.array(out)


def channels(rng, n_states=3, h=D_MODEL, **options):
    shape = (h, n_states)
    a = rng.uniform(0.5, 0.98, shape) * np.exp(1j * rng.uniform(0, 3, shape))
    b, c = (rng.normal(size=shape) + 1j * rng.normal(size=shape) for _ in "bc")
    return proc.S4D.from_float(a, b, c, input_range=2.0, **options)


@pytest.mark.parametrize("layered", [False, True])
def test_channels_between_dense(layered):
    """Dense -> S4D -> Dense: 4 steps; weights so small that wires need no neuron."""
    rng = np.random.default_rng(4)
    s4d = channels(rng, depth=1)
    x = rng.integers(-4000, 4001, (T, D_IN))
    w_in, w_out = weights(rng, D_MODEL, D_IN, 2), weights(rng, D_OUT, D_MODEL, 9)
    into = Dense(weights=2 * w_in, num_message_bits=16, **SIGNED)
    onward = Dense(weights=2 * w_out, num_message_bits=16, **SIGNED)
    ends = [(into.s_in, into.a_out), (s4d.inp, s4d.out), (onward.s_in, onward.a_out)]
    found = run(ends, x, layered=layered)
    y = integers_of_s4d(s4d.spec, x @ w_in.T)
    same(found, later(y @ w_out.T, 4), "fixed_pt")


def test_groups_joined_by_hand_are_the_block(network):
    """Stock Dense and DelayDense between the groups, in place of `S5Block`."""
    net = network(7)
    block, recipe, d = net.layers[1], net.recipe, net.layers[1].d_model
    x = np.random.default_rng(5).integers(0, 20000, (T, d))
    groups = {
        "states": proc.Recurrence.of(block, recipe, depth=1),
        "readout": proc.Readout.of(block, recipe, depth=2),
        "gate": proc.Gate.of(block, recipe, depth=3),
    }
    matrix = {n: w.matrix.toarray() for n, w in block.matrices.items()}
    matrix |= {"D": np.diag(block.D.values), "one": np.eye(d, dtype=int)}
    source = proc.Source(data=x)
    sink = proc.Sink(shape=(d,), num_steps=T)

    def join(out, name, inp, steps=1):
        options = {"weights": 2 * matrix[name], "num_message_bits": 16, **SIGNED}
        if steps == 1:
            synapses = Dense(**options)
        else:
            delays = np.full(matrix[name].shape, steps - 1)
            synapses = DelayDense(delays=delays, **options)
        out.connect(synapses.s_in)
        synapses.a_out.connect(inp)

    states, readout, gate = groups.values()
    join(source.s_out, "B_re", states.a_re_in)
    join(source.s_out, "B_im", states.a_im_in)
    join(states.s_re_out, "C_re", readout.a_c_in)
    join(states.s_im_out, "C_imn", readout.a_c_in)
    join(source.s_out, "D", readout.a_d_in, steps=2)
    join(readout.s_out, "W", gate.a_in)
    join(readout.s_out, "one", gate.z_in)
    join(source.s_out, "one", gate.u_in, steps=3)
    gate.s_out.connect(sink.a_in)
    with running(source, proc.RunCfg()) as runtime:
        run_steps(runtime, T)
    expected = reference.run(spec.Network((block,), recipe), x)
    same(sink.data[3:], expected[: T - 3], "fixed_pt")
