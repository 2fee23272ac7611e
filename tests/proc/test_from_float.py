# SPDX-License-Identifier: BSD-3-Clause
"""Processes of real values: formats, closeness, and what is refused."""

import numpy as np
import pytest

from lava_sparse_rnn import proc, spec
from lava_sparse_rnn.fixed_point import OverflowCounters, SpecError
from lava_sparse_rnn.proc._runtime.runtime import run_steps, running
from lava_sparse_rnn.spec import reference

T, D_MODEL, D_STATE = 60, 10, 12


def complex_normal(rng, *shape):
    return rng.normal(size=shape) + 1j * rng.normal(size=shape)


def real_block(seed=0, scale=1.0):
    """Matrices of a block whose rows differ in size by up to ``scale``."""
    rng = np.random.default_rng(seed)
    spread = scale ** rng.uniform(0, 1, D_STATE)
    radius, angle = rng.uniform(0.3, 0.98, D_STATE), rng.uniform(0, 3.1, D_STATE)
    return {
        "a_bar": radius * np.exp(1j * angle),
        "B_bar": 0.3 * spread[:, None] * complex_normal(rng, D_STATE, D_MODEL),
        "C": 0.1 * complex_normal(rng, D_MODEL, D_STATE) / spread,
        "D": rng.normal(size=D_MODEL),
        "W": 0.5 * rng.normal(size=(D_MODEL, D_MODEL)),
        "bias_x": 0.1 * spread * complex_normal(rng, D_STATE),
        "bias_z": 0.1 * rng.normal(size=D_MODEL),
        "bias_g": 0.1 * rng.normal(size=D_MODEL),
    }


def equations(u, a_bar, B_bar, C, D, W, bias_x, bias_z, bias_g):
    """A block as the paper writes it, one token after another."""
    x, answers = np.zeros(D_STATE, complex), []
    for token in u:
        x = a_bar * x + B_bar @ token + bias_x
        passes = (x.real > 0) | ((x.real == 0) & (x.imag > 0))
        z = np.maximum(2 * (C @ (x * passes)).real + D * token + bias_z, 0)
        gate = 1 / (1 + np.exp(-(W @ z + bias_g)))
        answers.append(np.maximum(z * gate + token, 0))
    return np.array(answers)


def snr_db(signal, noisy):
    return 10 * np.log10((signal**2).sum() / ((noisy - signal) ** 2).sum())


def answers_of(block, u):
    """Integers of a block's description, as real values, and its overflows."""
    counters = OverflowCounters()
    x = block.network.to_wire(u)
    y = reference.run(block.network, x, counters=counters)
    return block.network.from_wire(y), sum(counters.values())


@pytest.mark.parametrize("scale", [1.0, 300.0])
@pytest.mark.parametrize("seed", range(3))
def test_a_calibrated_block_stays_near_the_real_one(seed, scale):
    values = real_block(seed, scale)
    u = np.random.default_rng(seed + 10).normal(size=(T, D_MODEL))
    block = proc.S5Block.from_float(**values, calibration=u)
    found, overflows = answers_of(block, u)
    assert overflows == 0
    assert snr_db(equations(u, **values), found) > 30
    fine = spec.Recipe("nearest", wire_bits=16, state_bits=24)
    block = proc.S5Block.from_float(**values, calibration=u, recipe=fine)
    assert snr_db(equations(u, **values), answers_of(block, u)[0]) > 30


def test_the_floating_point_model_differs_by_the_weights_and_the_sigmoid_only():
    values = real_block()
    u = np.random.default_rng(1).normal(size=(T, D_MODEL))
    block = proc.S5Block.from_float(**values, calibration=u, reset_interval=20)
    y = proc.run(block, np.ldexp(u, block.block.inp.frac), "floating_pt")
    expected = np.concatenate([equations(v, **values) for v in np.split(u, 3)])
    assert snr_db(expected, block.network.from_wire(y)) > 30


def test_within_an_input_range_nothing_overflows():
    values = real_block(4, 10.0)
    block = proc.S5Block.from_float(**values, input_range=1.5)
    u = np.random.default_rng(3).uniform(-1.5, 1.5, (500, D_MODEL))
    found, overflows = answers_of(block, u)
    assert overflows == 0
    assert snr_db(equations(u, **values), found) > 25
    given = proc.S5Block.from_float(**values, input_range=1.5, inp=block.block.inp)
    assert given.block == block.block


@pytest.mark.parametrize("overflow", ["saturate", "wrap"])
@pytest.mark.parametrize("size", [1e-6, 1.0, 1e6])
def test_any_size_of_values_satisfies_the_proof(size, overflow):
    values = real_block(5, 1000.0)
    values["W"] = values["W"] / size  # the gate's argument has a fixed scale
    values["bias_z"] = values["bias_z"] * size
    recipe = spec.Recipe(overflow=overflow, state_bits=16, weight_bits=4)
    options = {"input_range": size, "recipe": recipe}
    block = proc.S5Block.from_float(**values, **options)
    assert isinstance(block.network, spec.Network)  # it has been validated


def test_a_gate_that_cannot_be_held_is_refused():
    values = real_block(5)
    values["W"] = values["W"] * 1e9
    with pytest.raises(SpecError, match=r"g, row 0: W z can be so large"):
        proc.S5Block.from_float(**values, input_range=1.0)


def test_a_recurrence_of_real_values():
    rng = np.random.default_rng(0)
    values = real_block(6)
    a, bias = values["a_bar"], values["bias_x"]
    drive = complex_normal(rng, T, D_STATE)
    frac = rng.integers(8, 14, D_STATE)
    expected, x = [], np.zeros(D_STATE, complex)
    for d in drive:
        expected.append(x := a * x + d + bias)
    recipe = spec.Recipe("nearest", state_nonlinearity="none")
    options = {"acc_frac": frac, "bias": bias, "recipe": recipe}
    process = proc.Recurrence.from_float(a, calibration=drive, **options)
    sources = [
        proc.Source(data=np.rint(np.ldexp(part, frac)).astype(int))
        for part in (drive.real, drive.imag)
    ]
    sinks = [proc.Sink(shape=a.shape, num_steps=T) for _ in "ri"]
    for source, port in zip(sources, (process.a_re_in, process.a_im_in), strict=True):
        source.s_out.connect(port)
    for port, sink in zip((process.s_re_out, process.s_im_out), sinks, strict=True):
        port.connect(sink.a_in)
    with running(process, proc.RunCfg()) as runtime:
        run_steps(runtime, T)
        assert sum(proc.overflows(process).values()) == 0
        last = process.state_format.dequantize(process.x_re.get())
    s_re, s_im = (process.s_wire.format.dequantize(sink.data) for sink in sinks)
    found = s_re + 1j * s_im
    assert snr_db(abs(np.array(expected)), abs(found)) > 40
    np.testing.assert_allclose(last, np.array(expected).real[-1], atol=0.02)
    wide = proc.Recurrence.from_float(a, input_range=4.0, **options)
    assert (wide.state_format.frac <= process.state_format.frac).all()


REFUSED = {
    "unstable": ({"a_bar": np.full(D_STATE, 1.0)}, r"a_bar, row 0: \|1.* below 1"),
    "shape": ({"C": np.ones((3, 3))}, r"C: shape \(3, 3\), must be \(10, 12\)"),
    "complex": ({"W": np.ones((D_MODEL, D_MODEL)) * 1j}, "W: is complex"),
    "infinite": ({"D": np.full(D_MODEL, np.inf)}, "D: must hold finite numbers"),
    "both": ({"input_range": 1.0}, "either calibration or input_range"),
    "no data": ({"calibration": np.ones((0, D_MODEL))}, "calibration: must hold"),
    "range": ({"calibration": None, "input_range": -1.0}, "input_range, row 0: -1.0"),
    "shape of range": (
        {"calibration": None, "input_range": np.ones(D_MODEL + 1)},
        rf"input_range: shape \({D_MODEL + 1},\), must be \(\) or \({D_MODEL},\)",
    ),
}


@pytest.mark.parametrize(("change", "says"), REFUSED.values(), ids=REFUSED)
def test_the_message_names_what_does_not_fit(change, says):
    values = real_block() | {"calibration": np.ones((4, D_MODEL))} | change
    with pytest.raises(SpecError, match=says):
        proc.S5Block.from_float(**values)


def test_a_drive_that_cannot_be_held_is_refused():
    with pytest.raises(SpecError, match=r"drive \+ bias, row 0: with 30 fractional"):
        proc.Recurrence.from_float([0.5], acc_frac=30, input_range=2.0)
