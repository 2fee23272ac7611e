# SPDX-License-Identifier: BSD-3-Clause
"""How fast networks run in Lava: ``python benchmarks/lava_runtime.py [-o table.md]``.

Every case stands between the same `proc.Source` and `proc.Sink`, which get all tokens
in and all answers out, and runs a token per time step. *tokens/s* is the median of
several runs of a network that is warm; *start and stop* holds compiling.

- *floor*: a process that sends what it receives, the least that Lava can cost.
- *fused per network*: `proc.SparseRNN`, one process.
- *fused per block*: `proc.S5Block`, one process each, between Lava's `Sparse` and
  `proc.Affine`.
- *layered*: `proc.SparseRNN`, a process for each neuron group and connection.
- *stock*: the same processes as a user of Lava would write them, in real numbers:
  Lava's `Sparse` and `DelaySparse` between neurons in numpy (`stock_network`).

The second table has as many complex states in all cases: Lava's `S4d` and this
library's `Recurrence` alone, and whole channels, with what spreads inputs to their
states and sums these up: stock `Sparse`, `S4d`, `Sparse`, and `proc.S4D`.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from engine_peers import parameters
from lava.magma.core.run_conditions import RunSteps
from lava.proc.s4d.process import S4d
from lava.proc.sparse.process import DelaySparse, Sparse
from numpy.typing import NDArray
from s4d_error import s4d_lin
from scipy import sparse
from stock_network.process import Identity, Rectifier, SigmoidGate, States

from lava_sparse_rnn import inline, proc, spec
from lava_sparse_rnn.fixed_point import RealArithmetic
from lava_sparse_rnn.proc._layered.connect import WEIGHT_EXP, connection
from lava_sparse_rnn.spec.reference import Reference

SHIPPED = Path(__file__).parent.parent / "data" / "denoiser.net"
WARM_UP, REPEATS = 40, 5
CHANNELS, STATES_EACH = 8, 32

Ends = tuple[Any, Any]  # ports: the first InPort, the last OutPort


def identity(n: int) -> Ends:
    """A process that does nothing."""
    process = Identity(shape=(n,))
    return process.a_in, process.s_out


def whole(network: spec.Network) -> Ends:
    """A network as one process of this library, fused or layered."""
    process = proc.SparseRNN(network)
    return process.inp, process.out


def per_block(network: spec.Network) -> Ends:
    """Blocks as processes, between Lava's connections and affine neurons."""
    first = port = None
    depth = 0
    for layer in network.layers:
        if layer.type == spec.Affine.type:
            synapses = connection(layer.weights.matrix, 1, layer.inp.bits)
            options = {"weight_exp": WEIGHT_EXP, "depth": depth + 1}
            neurons = proc.Affine.of(layer, network.recipe, **options)
            synapses.a_out.connect(neurons.a_in)
            inp, out = synapses.s_in, neurons.s_out
        else:
            block = proc.S5Block(layer, network.recipe, depth=depth)
            inp, out = block.inp, block.out
        if port is not None:
            port.connect(inp)
        first, port, depth = first or inp, out, depth + layer.latency
    return first, port


def synapses(weights: NDArray, steps: int = 1) -> Sparse:
    """Lava's own connection, as its documentation makes one."""
    matrix = sparse.csr_matrix(weights.astype(np.float64))
    if steps == 1:
        return Sparse(weights=matrix, num_message_bits=16)
    delays = matrix.astype(int)
    delays.data[:] = steps - 1
    options = {"delays": delays, "max_delay": steps - 1, "num_message_bits": 16}
    return DelaySparse(weights=matrix, **options)


def join(out: Any, weights: NDArray, inp: Any, steps: int = 1) -> None:
    """Connect two ports by weights."""
    link = synapses(weights, steps)
    out.connect(link.s_in)
    link.a_out.connect(inp)


def stock(network: spec.Network) -> Ends:
    """The same network without this library, in real numbers."""
    scale = np.ldexp(1.0, -network.layers[0].inp.frac)
    start = Identity(shape=(network.d_in,))
    port, depth = start.s_out, 0
    for p, layer in zip(parameters(network), network.layers, strict=True):
        if layer.type == spec.Affine.type:
            neurons = Rectifier(bias=p["b"].astype(float), relu=bool(p["relu"]))
            weights = p["W"] * scale if depth == 0 else p["W"]
            join(port, weights, neurons.a_in)
            port, depth = neurons.s_out, depth + 1
            continue
        n, one = len(p["a_re"]), np.eye(layer.d_model)
        bias = p["bias_x"][:n] + 1j * p["bias_x"][n:]
        states = States(a=p["a_re"] + 1j * p["a_im"], bias=bias, first=depth + 1)
        read = Rectifier(bias=p["bias_z"].astype(float))
        gate = SigmoidGate(bias=p["bias_g"].astype(float))
        join(port, p["B"][:n], states.a_re_in)
        join(port, p["B"][n:], states.a_im_in)
        join(states.s_re_out, p["C"][:, :n], read.a_in)
        join(states.s_im_out, p["C"][:, n:], read.a_in)
        join(port, np.diag(p["D"]), read.a_in, steps=2)
        join(read.s_out, p["W"], gate.a_in)
        join(read.s_out, one, gate.z_in)
        join(port, one, gate.u_in, steps=3)
        port, depth = gate.s_out, depth + 3
    return start.a_in, port


def check_stock(network: spec.Network, x: NDArray) -> None:
    """The stock network has to compute the same, or its speed means nothing."""
    sink = driven(stock(network), x)
    try:
        sink.run(RunSteps(len(x)), proc.RunCfg("floating_pt"))
        found = sink.data[network.latency :]
    finally:
        sink.stop()
    expected = Reference(network, RealArithmetic()).run(x[: len(found)])
    expected = np.ldexp(expected, -network.layers[-1].out.frac)
    error = np.sqrt(((found - expected) ** 2).mean() / (expected**2).mean())
    if not error < 0.05:  # its sigmoid is exact, ours follows it to 0.5 %
        raise RuntimeError(f"the stock network is off by {error:.1%}")


def driven(ends: Ends, x: NDArray) -> proc.Sink:
    """Put a network between a source of tokens and a sink."""
    inp, out = ends
    source = proc.Source(data=x)
    sink = proc.Sink(shape=out.shape, num_steps=len(x))
    source.s_out.connect(inp)
    out.connect(sink.a_in)
    return sink


def proportional_mb(pid: str) -> float:
    """Memory of a process, its share of what it shares with others, in MB."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1e3


def measure(ends: Ends, x: NDArray, cfg: proc.RunCfg, seconds: float) -> dict:
    """Tokens per second, and what it takes to get there.

    Parameters
    ----------
    ends : pair of ports
    x : array, shape (T, d_in)
    cfg : RunCfg
    seconds : float
        Of all runs together.
    """
    start = time.perf_counter()
    sink = driven(ends, x)
    try:
        sink.run(RunSteps(1), cfg)
        start_up = time.perf_counter() - start
        start = time.perf_counter()
        sink.run(RunSteps(WARM_UP))
        n_steps = int(WARM_UP / (time.perf_counter() - start) * seconds / REPEATS)
        pids = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
        memory, rates = sum(map(proportional_mb, pids)), []
        for _ in range(REPEATS):
            start = time.perf_counter()
            sink.run(RunSteps(max(n_steps, 10)))
            rates.append(max(n_steps, 10) / (time.perf_counter() - start))
    finally:
        start = time.perf_counter()
        sink.stop()
    return {
        "rate": float(np.median(rates)),
        "processes": len(pids),
        "start": start_up + time.perf_counter() - start,
        "memory": memory,
    }


def reference_rate(network: spec.Network, x: NDArray) -> float:
    """Tokens per second of the reference executor, one by one, without Lava."""
    executor, start = Reference(network), time.perf_counter()
    for u in x:
        executor.step(u)
    return len(x) / (time.perf_counter() - start)


HEADINGS = "tokens/s | of the {base} | processes | start and stop, s | MB"
Case = tuple[str, Callable[[], Ends], proc.RunCfg]


def rows(cases: list[Case], x: NDArray, seconds: float, base: str) -> Iterator[str]:
    """A table as lines of Markdown; the first case is what the others are set to."""
    yield f"| case | {HEADINGS.format(base=base)} |"
    yield "| --- " * 6 + "|"
    first = None
    for name, build, cfg in cases:
        found = measure(build(), x, cfg, seconds)
        first = first or found["rate"]
        cells = [
            name,
            f"{found['rate']:,.0f}",
            f"{found['rate'] / first:.3f}",
            str(found["processes"]),
            f"{found['start']:.2f}",
            f"{found['memory']:,.0f}",
        ]
        yield "| " + " | ".join(cells) + " |"


def network_cases(network: spec.Network) -> list[Case]:
    """Ways to run one network."""
    fixed, real = proc.RunCfg("fixed_pt"), proc.RunCfg("floating_pt")
    layered = proc.RunCfg("fixed_pt", layered=True)
    return [
        ("floor", lambda: identity(network.d_in), fixed),
        ("fused per network, fixed_pt", lambda: whole(network), fixed),
        ("fused per network, floating_pt", lambda: whole(network), real),
        ("fused per block, fixed_pt", lambda: per_block(network), fixed),
        ("layered, fixed_pt", lambda: whole(network), layered),
        ("stock, floating_pt", lambda: stock(network), real),
    ]


def channel_cases() -> list[Case]:
    """Diagonal recurrences of equal size."""
    a, b, c = s4d_lin(CHANNELS, STATES_EACH, np.random.default_rng(0))
    flat = dict(zip("abc", (part.ravel() for part in (a, b, c)), strict=True))
    fixed, real = proc.RunCfg("fixed_pt"), proc.RunCfg("floating_pt")
    layered = proc.RunCfg("fixed_pt", layered=True)

    def spread() -> Ends:
        into = np.kron(np.eye(CHANNELS), np.ones((STATES_EACH, 1)))
        neurons = S4d(shape=flat["a"].shape, **flat)
        first, last = synapses(into), synapses(into.T)
        first.a_out.connect(neurons.a_in)
        neurons.s_out.connect(last.s_in)
        return first.s_in, last.a_out

    def ours() -> Ends:
        process = proc.S4D.from_float(a, b, c, input_range=1.0)
        return process.inp, process.out

    return [
        ("stock Sparse, S4d, Sparse, floating_pt", spread, real),
        ("proc.S4D, fixed_pt", ours, fixed),
        ("proc.S4D, floating_pt", ours, real),
        ("proc.S4D, layered, fixed_pt", ours, layered),
    ]


def state_cases() -> list[Case]:
    """The states alone."""
    a, b, c = (
        p.ravel() for p in s4d_lin(CHANNELS, STATES_EACH, np.random.default_rng(0))
    )

    def stock_states() -> Ends:
        process = S4d(shape=a.shape, a=a, b=b, c=c)
        return process.a_in, process.s_out

    def states() -> Ends:
        options = {"acc_frac": 8, "input_range": 1.0}
        process = proc.Recurrence.from_float(a, **options)
        return process.a_re_in, process.s_re_out

    return [
        ("stock S4d alone, floating_pt", stock_states, proc.RunCfg("floating_pt")),
        ("proc.Recurrence, fixed_pt", states, proc.RunCfg("fixed_pt")),
        ("proc.Recurrence, floating_pt", states, proc.RunCfg("floating_pt")),
    ]


def report(network: spec.Network, seconds: float, layered: bool) -> Iterator[str]:
    """All lines."""
    fmt, rng = network.layers[0].inp.format, np.random.default_rng(0)
    x = rng.integers(fmt.lowest, fmt.highest + 1, (2000, network.d_in))
    few = x[:60] // 4
    cases = network_cases(network)
    if layered:
        check_stock(network, few)
    else:
        cases = cases[:-2]
    yield f"A network of {len(network.layers)} layers, {network.d_in} inputs:"
    yield ""
    yield from rows(cases, x, seconds, "floor")
    rate = reference_rate(network, x[:500])
    yield f"| reference, without Lava | {rate:,.0f} | | | | |"
    n = CHANNELS * STATES_EACH
    for title, cases, width in (
        (f"{CHANNELS} channels of {STATES_EACH} states:", channel_cases(), CHANNELS),
        (f"{n} states:", state_cases(), n),
    ):
        yield from ("", title, "")
        yield from rows(cases, rng.integers(-200, 200, (2000, width)), seconds, "stock")
    yield ""
    yield f"Load of the machine at the end: {os.getloadavg()[0]:.1f}"


def main() -> None:
    """Measure, print, and write the tables where asked to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--network", type=Path, default=SHIPPED, help="a .net file")
    parser.add_argument("--seconds", type=float, default=5.0, help="for each case")
    parser.add_argument("--no-layered", dest="layered", action="store_false")
    parser.add_argument("-o", "--output", type=Path, help="write the tables here")
    parser.add_argument("--runtime", choices=inline.RUNTIMES, default=inline.INLINE)
    options = parser.parse_args()
    network = spec.load(options.network)
    lines = []
    with inline.runtime(options.runtime):
        for line in report(network, options.seconds, options.layered):
            lines.append(line + "\n")
            print(line, flush=True)
    if options.output is not None:
        options.output.write_text("".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
