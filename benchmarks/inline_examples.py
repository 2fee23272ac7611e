# SPDX-License-Identifier: BSD-3-Clause
"""Examples of lava-dl and lava-nc in one process beside Lava's own runtime, in one run.

    python benchmarks/inline_examples.py [--seconds 2] [-o inline_examples.md]

- lava-dl: the networks that its wheel ships with its tests, read by its own netx, with
  the inputs and the settings of these tests.
- lava-nc: what three of its tutorials build, of the Processes that they use: a
  population of excitatory and one of inhibitory neurons, plasticity by spike timing,
  and sigma-delta neurons; every potential or weight that they plot is recorded.

Before it is timed, a network runs some steps under each runtime, and must give the
same values. Each figure is the best of three pieces.
"""

from __future__ import annotations

import argparse
import contextlib
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import lava
import numpy as np
from inline_runtime import Run, measure
from lava.magma.core.run_conditions import RunSteps
from lava.magma.core.run_configs import Loihi2SimCfg
from lava.proc.dense.process import Dense, LearningDense
from lava.proc.io.reset import Reset
from lava.proc.io.sink import RingBuffer as Sink
from lava.proc.io.source import RingBuffer as Source
from lava.proc.learning_rules.stdp_learning_rule import STDPLoihi
from lava.proc.lif.process import LIF
from lava.proc.monitor.process import Monitor
from lava.proc.sdn.process import ActivationMode, Delta, SigmaDelta
from numpy.typing import NDArray

from lava_sparse_rnn import inline

STEPS = 40  # that are compared
LONGEST = 20_500  # steps of the pieces that are timed, all together
LAVA_DL = Path(lava.__path__[0]).parent / "tests/lava/lib/dl/netx"

Read = Callable[[], list[NDArray]]
Example = tuple[Any, Read, str]  # a Process, what is compared, tag
Make = Callable[[int], Example]  # given the steps that it will run


def netx(file: str, **options: Any) -> Any:
    """A network file as a Process of lava-dl's."""
    from lava.lib.dl.netx import hdf5

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return hdf5.Network(net_config=str(LAVA_DL / file), **options)


def recorded(steps: int, out: Any) -> Read:
    """What leaves a port in every step."""
    sink = Sink(shape=out.shape, buffer=steps)
    out.connect(sink.a_in)
    return lambda: [sink.data.get()]


def tiny(steps: int) -> Example:
    """tiny.net: convolutions that are reset after each sample."""
    net, interval = netx("tiny.net"), 17
    read = recorded(steps, net.out_layer.out)
    for i, layer in enumerate(net.layers):
        for var in (layer.neuron.u, layer.neuron.v):
            Reset(interval=interval, offset=i - 1).connect_var(var)
    bias = np.load(LAVA_DL / "gts/tinynet/input_bias.npy")
    net.in_layer.neuron.bias_mant.init = bias
    return net, read, "fixed_pt"


def pilotnet(steps: int) -> Example:
    """pilotnet_sdnn: sigma-delta convolutions of one frame."""
    net = netx("gts/pilotnet_sdnn/network.net")
    frame = np.load(LAVA_DL / "gts/pilotnet_sdnn/input.npy")
    Source(data=frame).s_out.connect(net.in_layer.neuron.a_in)
    return net, recorded(steps, net.out_layer.out), "fixed_pt"


def ntidigits(steps: int) -> Example:
    """ntidigits.net: dense layers with delays of axons."""
    net = netx("gts/ntidigits/ntidigits.net", num_layers=5)
    spikes = np.load(LAVA_DL / "gts/ntidigits/input.npy")
    Source(data=spikes).s_out.connect(net.inp)
    return net, recorded(steps, net.out), "fixed_pt"


def watched(steps: int, **variables: Any) -> Read:
    """Vars in every step, by Monitors."""
    monitors = []
    for var in variables.values():
        monitor = Monitor()
        monitor.probe(var, steps)
        monitors.append(monitor)

    def read() -> list[NDArray]:
        found = (m.get_data().values() for m in monitors)
        return [array for each in found for d in each for array in d.values()]

    return read


def mnist(steps: int) -> Example:
    """mnist.net: a perceptron of spiking neurons, whose last layer adds up."""
    net, rng = netx("mnist.net"), np.random.default_rng(0)
    neuron, transform = net.in_layer.neuron, net.in_layer.transform
    pixels = rng.random(net.in_layer.shape) * (rng.random(net.in_layer.shape) < 0.3)
    bias = pixels * transform["weight"] + transform["bias"]
    neuron.bias_mant.init = bias.astype(int)
    return net, watched(steps, v=net.out_layer.neuron.v), "fixed_pt"


def excitatory_and_inhibitory(steps: int) -> Example:
    """Two populations, each connected to itself and to the other one."""
    rng = np.random.default_rng(0)
    sizes = {"excitatory": 80, "inhibitory": 20}
    neurons = {
        name: LIF(shape=(n,), du=0.05, dv=0.1, vth=1, bias_mant=rng.random(n) / 8)
        for name, n in sizes.items()
    }
    for source, sign in zip(neurons, (0.1, -0.4), strict=True):
        for target in neurons:
            shape = sizes[target], sizes[source]
            weights = sign * rng.random(shape) * (rng.random(shape) < 0.2)
            synapses = Dense(weights=weights)
            neurons[source].s_out.connect(synapses.s_in)
            synapses.a_out.connect(neurons[target].a_in)
    return (
        neurons["excitatory"],
        watched(steps, e=neurons["excitatory"].v, i=neurons["inhibitory"].v),
        "floating_pt",
    )


def plasticity(steps: int) -> Example:
    """Weights that follow the timing of spikes before and after them."""
    rng = np.random.default_rng(0)
    rule = STDPLoihi(
        learning_rate=1,
        A_plus=1,
        A_minus=-1,
        tau_plus=10,
        tau_minus=10,
        t_epoch=4,
    )
    before = Source(data=rng.random((8, 200)) < 0.2)
    first, last = (LIF(shape=(8,), du=0.5, dv=0.5, vth=0.5) for _ in range(2))
    into = Dense(weights=np.eye(8))
    plastic = LearningDense(weights=np.eye(8), learning_rule=rule)
    before.s_out.connect(into.s_in)
    into.a_out.connect(first.a_in)
    first.s_out.connect(plastic.s_in)
    plastic.a_out.connect(last.a_in)
    last.s_out.connect(plastic.s_in_bap)
    return last, watched(steps, weights=plastic.weights, v=last.v), "floating_pt"


def sigma_delta(steps: int) -> Example:
    """A smooth signal through neurons that send changes."""
    phase = np.arange(200) * 2 * np.pi / 200
    signal = np.round(100 * np.sin(np.arange(1, 17)[:, None] * phase)).astype(int)
    encoder = Delta(shape=(16,), vth=10, cum_error=True)
    Source(data=signal).s_out.connect(encoder.a_in)
    out, rng = encoder.s_out, np.random.default_rng(0)
    for n_in, n_out in ((16, 64), (64, 10)):
        synapses = Dense(
            weights=rng.integers(-8, 9, (n_out, n_in)), num_message_bits=16
        )
        mode = ActivationMode.RELU
        neurons = SigmaDelta(shape=(n_out,), vth=20, act_mode=mode, cum_error=True)
        out.connect(synapses.s_in)
        synapses.a_out.connect(neurons.a_in)
        out = neurons.s_out
    return neurons, watched(steps, act=neurons.act), "fixed_pt"


EXAMPLES = {
    "lava-dl: tiny.net, convolutions with resets": tiny,
    "lava-dl: mnist.net": mnist,
    "lava-dl: ntidigits.net, delays": ntidigits,
    "lava-dl: pilotnet_sdnn": pilotnet,
    "lava-nc: excitatory and inhibitory neurons": excitatory_and_inhibitory,
    "lava-nc: plasticity by spike timing": plasticity,
    "lava-nc: sigma-delta neurons": sigma_delta,
}


@contextlib.contextmanager
def running(make: Make) -> Iterator[Run]:
    """An example that can be run piece by piece."""
    process, _, tag = make(LONGEST)
    cfg = Loihi2SimCfg(select_tag=tag)
    try:
        yield lambda steps: process.run(RunSteps(steps), cfg)
    finally:
        process.stop()


def values(make: Make, name: str) -> list[NDArray]:
    """What an example gives under one runtime."""
    with inline.runtime(name):
        process, read, tag = make(STEPS)
        try:
            process.run(RunSteps(STEPS), Loihi2SimCfg(select_tag=tag))
            return read()
        finally:
            process.stop()


def row(name: str, make: Make, seconds: float) -> str:
    """A line of the table.

    Raises
    ------
    RuntimeError
        When the runtimes give different values.
    """
    ours, theirs = (values(make, runtime) for runtime in inline.RUNTIMES)
    if not all(map(np.array_equal, ours, theirs)) or not any(a.any() for a in ours):
        raise RuntimeError(f"{name}: not the same under both runtimes, or all zeros")
    (start, rate), (their_start, their_rate) = (
        measure(lambda: running(make), runtime, seconds) for runtime in inline.RUNTIMES
    )
    return (
        f"| {name} | {start:.2f} | {their_start:.2f} | {rate:,.0f} | "
        f"{their_rate:,.0f} | {rate / their_rate:.1f}x |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seconds", type=float, default=2.0, help="per figure")
    parser.add_argument("--only", default="", help="examples whose names contain it")
    parser.add_argument("-o", "--output", type=Path, help="a Markdown table")
    args = parser.parse_args()
    lines = [
        "| network | start, s | Lava's | steps/s | Lava's | faster |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    print(*lines, sep="\n")
    for name, make in EXAMPLES.items():
        if args.only in name:
            lines.append(row(name, make, args.seconds))
            print(lines[-1], flush=True)
    if args.output:
        args.output.write_text("\n".join(lines) + "\n", "utf-8")


if __name__ == "__main__":
    main()
