# SPDX-License-Identifier: BSD-3-Clause
"""What `engine.py` times: networks, contenders, and how they take turns."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from statistics import median

import numpy as np
from engine_peers import BATCH_PEERS, PEERS, NotInstalledError

from lava_sparse_rnn import engine, spec
from lava_sparse_rnn.spec import statistics

D_MODEL, D_STATE, D_IN, BLOCKS, SPARSITY = 192, 128, 257, 3, 0.9
TURN = 4e-3  # seconds of one turn of a contender
SEQUENCES, LENGTH = 16, 500  # of a batch
Run = Callable[[], object]
Networks = dict[str, spec.Network]  # a random one first; under the names that are shown
Contenders = dict[str, tuple[Run, int]]  # what runs, and how many tokens it answers


@dataclass
class Row:
    """Microseconds per token of contenders, round by round.

    Parameters
    ----------
    at : str
        What sets this row apart from the others of its table, such as a width.
    times : dict of list of float
    facts : dict
        More about the network.
    """

    at: str
    times: dict[str, list[float]]
    facts: dict[str, float] = field(default_factory=dict)

    def us(self, name: str) -> float:
        """The median of a contender."""
        return median(self.times[name])

    def ratio(self, name: str, to: str) -> float:
        """How many times the time of ``to`` it takes: the median over the rounds."""
        pairs = zip(self.times[name], self.times[to], strict=True)
        return median(own / other for own, other in pairs)


@dataclass
class Case:
    """One table: rows of the same contenders."""

    title: str
    rows: list[Row]
    notes: list[str] = field(default_factory=list)

    def left_out(self, name: str, error: Exception) -> None:
        """Note, once, that somebody is not here."""
        note = f"Left out: {name} ({error} is not installed)."
        self.notes += [note] * (note not in self.notes)


def network_of(width: float = 1.0, sparse: float = SPARSITY) -> spec.Network:
    """A random network of the paper's sizes, or a multiple of them."""
    return spec.random_network(
        np.random.default_rng(0),
        D_IN,
        round(D_MODEL * width),
        round(D_STATE * width),
        D_IN,
        BLOCKS,
        1.0 - sparse,
    )


def quieter(network: spec.Network, share: float) -> spec.Network:
    """The network with ``share`` of its neurons silenced by their biases."""
    rng = np.random.default_rng(2)

    def lowered(bias: spec.Bias, chosen: np.ndarray, to: int) -> spec.Bias:
        mant = np.where(chosen, to, bias.mant)
        return replace(bias, mant=mant, exp=np.where(chosen, 0, bias.exp))

    layers, silent = [], rng.random(network.layers[0].out.size) < share
    for layer in network.layers:
        if isinstance(layer, spec.S5Block):
            states = rng.random(layer.d_state) < share
            layer = replace(
                layer,
                bias_x_re=lowered(layer.bias_x_re, states, -(2**23) + 1),
                bias_z=lowered(layer.bias_z, silent, -(2**17)),
            )
        elif layer.relu:
            layer = replace(layer, bias=lowered(layer.bias, silent, -(2**23) + 1))
        layers.append(layer)
    return spec.Network(tuple(layers), network.recipe)


def silence(network: spec.Network) -> float:
    """Share of all messages between layers and groups that are zero."""
    trace: dict[str, np.ndarray] = {}
    spec.reference.run(network, tokens_of(network, 100), trace)
    payloads = [
        trace[f"layer{i}_{wire}"]
        for i, layer in enumerate(network.layers[:-1])
        for wire in statistics.OUTPUT_WIRES[layer.type]
    ]
    return float((np.concatenate(payloads, axis=1) == 0).mean())


def tokens_of(network: spec.Network, n: int) -> np.ndarray:
    """Tokens of a tenth of the input's range, int64."""
    fmt = network.layers[0].inp.format
    size = fmt.highest // 10
    return np.random.default_rng(1).integers(-size, size + 1, (n, network.d_in))


def take_turns(contenders: Contenders, rounds: int) -> dict[str, list[float]]:
    """Time functions round by round, so that a disturbance meets all alike."""
    times: dict[str, list[float]] = {name: [] for name in contenders}
    for run, _ in contenders.values():
        run()
    for _ in range(rounds):
        for name, (run, tokens) in contenders.items():
            start = time.perf_counter()
            run()
            times[name].append((time.perf_counter() - start) / tokens * 1e6)
    return times


def one_by_one(
    step: Callable, tokens: list[np.ndarray], each: int = 1
) -> tuple[Run, int]:
    """A contender that answers token after token from Python, for a few ms."""
    for u in tokens[:3]:
        step(u)
    start = time.perf_counter()
    for u in tokens[:5]:
        step(u)
    # All contenders' turns last alike, or a busy machine would hit long ones more.
    n = max(round(TURN / (time.perf_counter() - start) * 5), 5)
    tokens = (tokens * (n // len(tokens) + 1))[:n]

    def run() -> None:
        for u in tokens:
            step(u)

    return run, n * each


def engines() -> Iterator[tuple[str, dict]]:
    """Labels and arguments of the engine's kernels, forced to be dense and free."""
    for kernel in engine.available():
        if kernel != "scalar":
            yield f"engine, {kernel}, dense int8", {"kernel": kernel, "layout": "dense"}
        yield f"engine, {kernel}", {"kernel": kernel}


def streams(network: spec.Network, case: Case) -> Contenders:
    """Everybody, one token at a time."""
    tokens, contenders = list(tokens_of(network, 400)), {}
    for name, make in PEERS.items():
        try:
            contenders[name] = one_by_one(make(network), tokens)
        except NotInstalledError as error:
            case.left_out(name, error)
    for name, arguments in engines():
        step = engine.Stream(network, **arguments).step
        contenders[name] = one_by_one(step, tokens)
    return contenders


def step(networks: Networks, rounds: int) -> Case:
    """One stream, token by token, from Python, one thread"""
    case = Case(step.__doc__, [])
    for name, network in networks.items():
        case.rows.append(Row(name, take_turns(streams(network, case), rounds)))
        case.notes.append(f"{name}: {agreement(network)}")
    return case


def agreement(network: spec.Network) -> str:
    """How near the peers' real numbers come to the answers of the integers."""
    x = tokens_of(network, 50) // 8  # so small that hardly a payload saturates
    frac = network.layers[-1].out.frac
    expected = np.ldexp(spec.reference.run(network, x).astype(float), -frac)
    found = []
    for name, make in PEERS.items():
        try:
            peer = make(network)
        except NotInstalledError:
            continue
        answers = np.array([peer(u) for u in x], dtype=float)
        if make is PEERS["reference executor"]:
            answers = np.ldexp(answers, -frac)
        r = np.corrcoef(answers.ravel(), expected.ravel())[0, 1]
        found.append(f"{name} {r:.4f}")
    return "correlation with the answers of the integers: " + "; ".join(found) + "."


def bulk(networks: Networks, rounds: int) -> Case:
    """One sequence of 2,000 tokens in one call, one thread"""
    case = Case(bulk.__doc__, [])
    for name, network in networks.items():
        x = tokens_of(network, 2000)
        runs = {"reference executor": partial(spec.reference.run, network, x)}
        for label, arguments in engines():
            runs[label] = partial(engine.Engine(network, **arguments).run, x)
        contenders = {label: (run, len(x)) for label, run in runs.items()}
        case.rows.append(Row(name, take_turns(contenders, rounds)))
    return case


def batch(networks: Networks, rounds: int) -> Case:
    """A batch of 16 sequences of 500 tokens"""
    case = Case(batch.__doc__, [])
    for name, network in networks.items():
        row = Row(name, take_turns(_batches(network, case), rounds))
        case.rows.append(row)
        for two in row.times:
            if (one := two.replace("2 threads", "1 thread")) != two:
                ratio = row.ratio(one, two)
                case.notes.append(
                    f"{name}, {two}: {ratio:.2f} times the throughput of one."
                )
    return case


def _batches(network: spec.Network, case: Case) -> Contenders:
    contenders: Contenders = {}
    x = np.stack([tokens_of(network, LENGTH)] * SEQUENCES)
    tokens = list(x.swapaxes(0, 1).copy())
    for name, make, threads in BATCH_PEERS:
        try:
            for n in threads:
                one = make(network, SEQUENCES, n)
                contenders[_threads(name, n)] = one_by_one(one, tokens, SEQUENCES)
        except NotInstalledError as error:
            case.left_out(name, error)
    for kernel in engine.available():
        for n in (1, 2):
            run = partial(engine.Engine(network, kernel, threads=n).run, x)
            name = _threads(f"engine, {kernel}", n)
            contenders[name] = (run, SEQUENCES * LENGTH)
    return contenders


def _threads(name: str, n: int) -> str:
    return f"{name}, {n} thread{'s'[: n - 1]}"


def sparsity(networks: Networks, rounds: int) -> Case:
    """Weight sparsity, one stream, us per token"""
    case = Case(sparsity.__doc__, [])
    for share in (0.0, 0.25, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95):
        made = network_of(sparse=share)
        case.rows.append(
            Row(f"{share:.0%}", take_turns(streams(made, case), rounds), {"x": share})
        )
    return case


def layouts(networks: Networks, rounds: int) -> Case:
    """Layouts against weight sparsity, 500 tokens in one call, us per token"""
    case = Case(layouts.__doc__, [])
    for share in (0.0, 0.25, 0.5, 0.55, 0.6, 0.65, 0.7, 0.8, 0.9, 0.95):
        made, contenders = network_of(sparse=share), {}
        x = tokens_of(made, 500)
        for kernel in engine.available()[1:]:
            for layout in ("dense", "sparse", None):
                run = partial(engine.Engine(made, kernel, layout=layout).run, x)
                label = f"engine, {kernel}, {layout or 'chosen'}"
                contenders[label] = (run, len(x))
        row = Row(f"{share:.0%}", take_turns(contenders, 3 * rounds), {"x": share})
        for kernel in engine.available()[1:]:
            pair = (f"engine, {kernel}, chosen", f"engine, {kernel}, dense")
            row.facts[f"{kernel} chosen / dense"] = row.ratio(*pair)
        case.rows.append(row)
    return case


def activity(networks: Networks, rounds: int) -> Case:
    """Share of silent messages, one stream, us per token"""
    case = Case(activity.__doc__, [])
    for share in (0.0, 0.3, 0.6, 0.9):
        made = quieter(network_of(), share)
        silent = silence(made)
        times = take_turns(streams(made, case), rounds)
        case.rows.append(Row(f"{silent:.0%}", times, {"x": silent}))
    return case


def width(networks: Networks, rounds: int) -> Case:
    """Width, times 192 channels and 128 states, one stream, us per token"""
    case = Case(width.__doc__, [])
    for factor in (0.5, 1, 2, 4):
        made = network_of(factor)
        times = take_turns(streams(made, case), rounds)
        case.rows.append(Row(f"{factor:g}", times, {"x": factor}))
    return case


CASES: dict[str, Callable[[Networks, int], Case]] = {
    "step": step,
    "bulk": bulk,
    "batch": batch,
    "sparsity": sparsity,
    "layouts": layouts,
    "activity": activity,
    "width": width,
}
