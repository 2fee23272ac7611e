# SPDX-License-Identifier: BSD-3-Clause
"""The recurrence against scipy.signal, and integers against real numbers."""

import numpy as np
from lava.magma.core.run_configs import Loihi2SimCfg
from scipy import signal

from lava_sparse_rnn import proc
from lava_sparse_rnn.proc._runtime.runtime import run_steps, running
from lava_sparse_rnn.spec.groups import RecurrenceGroup

N, T = 12, 60


def group(a, a_frac, state_bits=31, wire_bits=31):
    """A recurrence whose wires show its state unchanged."""
    none = np.zeros(len(a), dtype=np.int64)
    a_re, a_im = (
        np.rint(np.ldexp(part, a_frac)).astype(np.int64) for part in (a.real, a.imag)
    )
    return RecurrenceGroup(
        bias_re=none,
        bias_im=none,
        k_B=none,
        a_re=a_re,
        a_im=a_im,
        a_frac=a_frac,
        state_bits=state_bits,
        k_x=none,
        bits=wire_bits,
        nonlinearity="none",
    )


def states(g, drive, tag, **kwargs):
    """Run `Recurrence` on complex drives, shape (T, n), and return its states."""
    process = proc.Recurrence(group=g, **kwargs)
    sources = [proc.Source(data=part) for part in (drive.real, drive.imag)]
    sinks = [proc.Sink(shape=(drive.shape[1],), num_steps=len(drive)) for _ in "ri"]
    for source, port in zip(sources, (process.a_re_in, process.a_im_in), strict=True):
        source.s_out.connect(port)
    for port, sink in zip((process.s_re_out, process.s_im_out), sinks, strict=True):
        port.connect(sink.a_in)
    with running(process, Loihi2SimCfg(select_tag=tag)) as runtime:
        run_steps(runtime, len(drive))
    return sinks[0].data + 1j * sinks[1].data


def random_stable(rng):
    return rng.uniform(0.3, 0.999, N) * np.exp(1j * rng.uniform(-np.pi, np.pi, N))


def test_real_model_is_a_first_order_filter_per_state():
    rng = np.random.default_rng(0)
    g = group(random_stable(rng), 15)
    drive = rng.normal(size=(T, N)) + 1j * rng.normal(size=(T, N))
    found = states(g, drive, "floating_pt")
    a = (g.a_re + 1j * g.a_im) / 2**15
    for i in range(N):
        expected = signal.lfilter([1.0], [1.0, -a[i]], drive[:, i])
        np.testing.assert_allclose(found[:, i], expected, rtol=1e-9, atol=1e-9)


def test_real_model_is_a_discretised_continuous_system():
    rng = np.random.default_rng(1)
    eigenvalue = -rng.uniform(0.05, 2.0, N) + 1j * rng.uniform(-3, 3, N)
    step = 0.1
    # The same system in real state space: a rotation with damping per state.
    A = np.kron(np.diag(eigenvalue.real), np.eye(2))
    A += np.kron(np.diag(eigenvalue.imag), [[0, -1], [1, 0]])
    B = rng.normal(size=(2 * N, 3))
    system = signal.cont2discrete((A, B, np.eye(2 * N), 0 * B), step, method="zoh")
    u = rng.normal(size=(T, 3))
    _, expected, _ = signal.dlsim(system, np.vstack([u, u[-1:]]))

    a_bar = np.exp(eigenvalue * step)
    b_bar = ((a_bar - 1) / eigenvalue)[:, None] * (B[0::2] + 1j * B[1::2])
    found = states(group(a_bar, 50), u @ b_bar.T, "floating_pt")
    # dlsim's outputs are the states before each update.
    np.testing.assert_allclose(found.real, expected[1:, 0::2], rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(found.imag, expected[1:, 1::2], rtol=1e-9, atol=1e-9)


def test_integers_stay_near_the_real_numbers():
    rng = np.random.default_rng(2)
    g = group(random_stable(rng), 15)
    drive = rng.integers(-5000, 5000, (T, N)) + 1j * rng.integers(-5000, 5000, (T, N))
    fixed, real = (states(g, drive, tag) for tag in ("fixed_pt", "floating_pt"))
    assert np.array_equal(fixed, np.rint(fixed))
    # Each of a step's four shifts is off by less than 1, two in either part.
    radius = abs(g.a_re + 1j * g.a_im) / 2**15
    assert (abs(fixed - real) < np.sqrt(8) / (1 - radius)).all()


def test_rests_at_zero_until_its_first_token_and_applies_the_weight_exponent():
    g = group(random_stable(np.random.default_rng(3)), 15)
    drive = np.full((10, N), 8.0 + 4.0j)
    late = states(g, drive, "floating_pt", depth=4, weight_exp=-1)
    assert not late[:4].any()
    np.testing.assert_array_equal(late[4], drive[4] / 2)
