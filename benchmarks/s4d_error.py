# SPDX-License-Identifier: BSD-3-Clause
"""Fixed-point error of S4D against bits: ``python benchmarks/s4d_error.py [-o FILE]``.

Channels of S4D-Lin (poles ``-1/2 + i pi n``, held inputs, step sizes from 0.001 to
0.1) run as `proc.S4D` in Lava, on white noise. *arithmetic* is the error against the
same integers' parameters in real numbers: what the widths of state, multiplier and
wires and the rounding cost in a run. *total* is the error against Lava's own `S4d`,
which computes with the real parameters; it holds the rounding of the parameters too
(``b`` and ``c`` are 8-bit weights in every row, ``a`` has the bits of its row). Both
are the root mean square of the error over that of the answers.
"""

from __future__ import annotations

import argparse
import itertools
from pathlib import Path

import numpy as np
from lava.magma.core.run_conditions import RunSteps
from lava.magma.core.run_configs import Loihi2SimCfg
from lava.proc.s4d.process import S4d
from lava.proc.sparse.process import Sparse
from numpy.typing import NDArray

from lava_sparse_rnn import proc, spec

STATE_BITS = (16, 20, 24)
A_BITS = (12, 16)
ROUNDINGS = ("floor", "nearest")

Parameters = tuple[NDArray, NDArray, NDArray]


def s4d_lin(channels: int, states: int, rng: np.random.Generator) -> Parameters:
    """``a``, ``b``, ``c`` of random channels, shape (channels, states) each."""
    pole = -0.5 + 1j * np.pi * np.arange(states)
    step = np.exp(rng.uniform(np.log(0.001), np.log(0.1), (channels, 1)))
    a = np.exp(step * pole)
    c = rng.normal(size=(2, channels, states)) * np.sqrt(0.5)
    return a, (a - 1) / pole, c[0] + 1j * c[1]


def stock(parameters: Parameters, u: NDArray) -> NDArray:
    """Answers of Lava's own process, shape (T, channels)."""
    channels, states = parameters[0].shape
    spread = np.kron(np.eye(channels), np.ones((states, 1)))
    a, b, c = (part.ravel() for part in parameters)
    source = proc.Source(data=u)
    into = Sparse(weights=spread, num_message_bits=24)
    neurons = S4d(shape=a.shape, a=a, b=b, c=c)
    onward = Sparse(weights=spread.T, num_message_bits=24)
    sink = proc.Sink(shape=(channels,), num_steps=len(u), skip=2)
    source.s_out.connect(into.s_in)
    into.a_out.connect(neurons.a_in)
    neurons.s_out.connect(onward.s_in)
    onward.a_out.connect(sink.a_in)
    try:
        neurons.run(RunSteps(len(u) + 2), Loihi2SimCfg(select_tag="floating_pt"))
        return sink.data
    finally:
        neurons.stop()


def error(found: NDArray, expected: NDArray) -> float:
    """Root mean square of the error over that of the signal."""
    return float(np.sqrt(((found - expected) ** 2).mean() / (expected**2).mean()))


def table(channels: int, states: int, n_tokens: int) -> str:
    """All rows as Markdown."""
    rng = np.random.default_rng(0)
    parameters = s4d_lin(channels, states, rng)
    u = rng.normal(size=(n_tokens, channels))
    wanted = stock(parameters, u)
    rows = [
        ["rounding", "state bits", "a bits", "arithmetic", "total", "overflows"],
        ["---"] * 6,
    ]
    for rounding, state_bits, a_bits in itertools.product(
        ROUNDINGS, STATE_BITS, A_BITS
    ):
        recipe = spec.Recipe(rounding, state_bits=state_bits, a_bits=a_bits)
        process = proc.S4D.from_float(*parameters, calibration=u, recipe=recipe)
        tokens = process.to_wire(u)
        with proc.Session(process, capacity=n_tokens) as session:
            found = process.from_wire(session.run(tokens))
            overflows = sum(proc.overflows(process).values())
        with proc.Session(process, "floating_pt", capacity=n_tokens) as session:
            same = process.from_wire(session.run(tokens))
        errors = (f"{error(found, x):.2%}" for x in (same, wanted))
        rows.append([rounding, str(state_bits), str(a_bits), *errors, str(overflows)])
    return "\n".join("| " + " | ".join(row) + " |" for row in rows) + "\n"


def main() -> None:
    """Measure, print, and write the table where asked to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--channels", type=int, default=8)
    parser.add_argument("--states", type=int, default=32, help="of each channel")
    parser.add_argument("--tokens", type=int, default=1000)
    parser.add_argument("-o", "--output", type=Path, help="write the table here")
    options = parser.parse_args()
    text = table(options.channels, options.states, options.tokens)
    print(text, end="")
    if options.output is not None:
        options.output.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
