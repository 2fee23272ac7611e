# SPDX-License-Identifier: BSD-3-Clause
"""`S4D` against Lava's own `S4d`."""

import numpy as np
import pytest
from lava.magma.core.run_conditions import RunSteps
from lava.magma.core.run_configs import Loihi2SimCfg
from lava.proc.s4d.process import S4d
from lava.proc.sparse.process import Sparse

from lava_sparse_rnn import proc, spec
from lava_sparse_rnn.fixed_point import SpecError
from lava_sparse_rnn.proc._runtime.runtime import run_steps, running

pytestmark = pytest.mark.slow

H, N, T = 3, 4, 50


def parameters(seed=0):
    """S4D-Lin: poles ``-1/2 + i pi n``, held inputs, a step size per channel."""
    rng = np.random.default_rng(seed)
    pole = -0.5 + 1j * np.pi * np.arange(N)
    step = np.exp(rng.uniform(np.log(0.01), np.log(0.1), (H, 1)))
    a = np.exp(step * pole)
    b = (a - 1) / pole
    c = (rng.normal(size=(H, N)) + 1j * rng.normal(size=(H, N))) * np.sqrt(0.5)
    return a, b, c


def stock(a, b, c, u):
    """Answers of Lava's process, between connections that spread and sum."""
    h, n = a.shape
    spread = np.kron(np.eye(h), np.ones((n, 1)))
    source = proc.Source(data=u)
    into = Sparse(weights=spread, num_message_bits=24)
    states = S4d(shape=(h * n,), a=a.ravel(), b=b.ravel(), c=c.ravel())
    onward = Sparse(weights=spread.T, num_message_bits=24)
    sink = proc.Sink(shape=(h,), num_steps=len(u), skip=2)
    source.s_out.connect(into.s_in)
    into.a_out.connect(states.a_in)
    states.s_out.connect(onward.s_in)
    onward.a_out.connect(sink.a_in)
    try:
        states.run(RunSteps(len(u) + 2), Loihi2SimCfg(select_tag="floating_pt"))
        return sink.data, states
    finally:
        states.stop()


def inputs(seed=1):
    return np.random.default_rng(seed).normal(size=(T, H))


def test_real_numbers_are_those_of_lava_s_process():
    u = inputs()
    process = proc.S4D.from_float(*parameters(), calibration=u)
    frac = process.spec.inp.frac
    y = proc.run(process, np.ldexp(u, frac), "floating_pt")
    expected, _ = stock(*process.spec.parameters, u)
    scale = abs(expected).max()
    np.testing.assert_allclose(
        process.from_wire(y), expected, rtol=1e-10, atol=1e-12 * scale
    )


@pytest.mark.parametrize(
    ("output", "options"),
    [
        ("real", {}),
        ("complex", {"mode": "fall_through", "reset_interval": 8}),
        ("real", {"depth": 3, "num_tokens": 9}),
        ("complex", {"recipe": spec.Recipe("nearest", "wrap", state_bits=16)}),
    ],
    ids=["pipelined", "fall_through", "late", "wrap"],
)
def test_fused_and_layered_are_the_same_in_every_step(output, options):
    u, seen = inputs(), []
    for layered in (False, True):
        process = proc.S4D.from_float(
            *parameters(), calibration=u, output=output, **options
        )
        # Noise made the formats; what does not change sign overflows.
        x = np.where(abs(u) > 0.1, 2**15 - 1, process.to_wire(u))
        source = proc.Source(data=x)
        sink = proc.Sink(shape=process.out.shape, num_steps=T)
        source.s_out.connect(process.inp)
        process.out.connect(sink.a_in)
        with running(process, proc.RunCfg(layered=layered)) as runtime:
            run_steps(runtime, 30)
            process.reset()
            run_steps(runtime, T - 30)
            seen.append((sink.data, {v.name: v.get().tolist() for v in process.vars}))
    np.testing.assert_array_equal(seen[0][0], seen[1][0])
    assert seen[0][1] == seen[1][1]
    assert seen[0][0][:30].any()
    assert seen[0][0][35:].any()
    assert not seen[0][0][30 : 32 + options.get("depth", 0)].any()  # tokens in flight
    assert sum(sum(v) for k, v in seen[0][1].items() if "overflow" in k) > 0


def test_complex_answers_are_those_of_the_equation():
    u = inputs()
    both = proc.S4D.from_float(*parameters(), calibration=u, output="complex")
    y = both.from_wire(proc.run(both, both.to_wire(u)))
    a, b, c = both.spec.parameters
    wanted = complex_answers(a, b, c, u)
    assert y.shape == wanted.shape == (T, H)
    assert abs(y - wanted).max() / abs(wanted).max() < 1e-2
    real_part = proc.run(both, np.ldexp(u, both.spec.inp.frac), "floating_pt")
    np.testing.assert_allclose(both.from_wire(real_part), wanted, rtol=1e-9, atol=1e-9)
    # Up to the rounding of c the real part is the one of real answers.
    alone = proc.S4D.from_float(*parameters(), calibration=u)
    for mine, other in zip(both.spec.parameters, alone.spec.parameters, strict=True):
        np.testing.assert_allclose(mine, other, atol=0.02)


def complex_answers(a, b, c, u):
    x, answers = np.zeros(a.shape, complex), []
    for token in u:
        x = a * x + b * token[:, None]
        answers.append(2 * (c * x).sum(axis=1))
    return np.array(answers)


@pytest.mark.parametrize("mode", ["pipelined", "fall_through"])
def test_integers_stay_near_the_real_numbers(mode):
    u = inputs()
    recipe = spec.Recipe("nearest")
    arrays = dict(zip("abc", map(np.ravel, parameters()), strict=True))
    options = {"calibration": u, "recipe": recipe, "mode": mode}
    period = proc.MODES[mode](proc.S4D.latency)
    options["reset_interval"] = 25 * period
    process = proc.S4D.from_stock(S4d(shape=(H * N,), **arrays), N, **options)
    with proc.Session(process) as session:
        pieces = [session.run(process.to_wire(piece)) for piece in np.split(u, [7, 30])]
        counts = proc.overflows(process)
    assert sum(counts.values()) == 0
    assert counts.keys() == {"x_re", "x_im", "s_re", "s_im", "out"}
    found = process.from_wire(np.concatenate(pieces))
    a, b, c = process.spec.parameters
    expected = np.concatenate([real(a, b, c, piece) for piece in np.split(u, 2)])
    error = abs(found - expected).max() / abs(expected).max()
    assert error < 2e-3
    a, b, c = parameters()
    wanted = np.concatenate([real(a, b, c, piece) for piece in np.split(u, 2)])
    assert abs(found - wanted).max() / abs(wanted).max() < 0.03  # 8-bit weights


def real(a, b, c, u):
    """The equation."""
    x, answers = np.zeros(a.shape, complex), []
    for token in u:
        x = a * x + b * token[:, None]
        answers.append(2 * (c * x).sum(axis=1).real)
    return np.array(answers)


def test_within_an_input_range_nothing_overflows():
    process = proc.S4D.from_float(*parameters(), input_range=1.0)
    u = np.random.default_rng(0).choice([-1.0, 1.0], (T, H))
    with proc.Session(process) as session:
        session.run(process.to_wire(u))
        assert sum(proc.overflows(process).values()) == 0
        assert session.process.x_im.get().any()


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda p: p.from_float([0.5], [1], [1], input_range=1), r"shape \(1,\)"),
        (lambda p: p.from_float([[1.5]], [[1]], [[1]], input_range=1), "below 1"),
        (lambda p: p.from_float([[0.5]], [[1, 2]], [[1]], input_range=1), "b: shape"),
        (
            lambda p: p.from_float([[0.5]], [[1]], [[1]], input_range=1, output="im"),
            "S4D: output is 'im'",
        ),
        (lambda p: p(3), "is a int, must be a S4D"),
        (lambda p: p.from_stock(3), "is a int, must be a S4d"),
        (
            lambda p: p.from_stock(S4d(shape=(4,), a=0.5, b=1, c=1), 3, input_range=1),
            "d_states is 3, must divide the 4",
        ),
    ],
)
def test_the_message_names_what_does_not_fit(make, says):
    with pytest.raises(SpecError, match=says):
        make(proc.S4D)
