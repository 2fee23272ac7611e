# SPDX-License-Identifier: BSD-3-Clause
"""Parameters and multiply-accumulates of the peers, counted on what they ship.

    uv run --extra peers --with onnx python benchmarks/peer_cost.py

A graph is run once on zeros with every intermediate as an output, so that all shapes
are real ones; then every convolution, matrix product, LSTM and GRU is counted. Element-
wise work and transforms are left out, as in the papers.

RNNoise is a compiled library: binutils' ``nm`` tells the sizes of its tables, and every
weight is used once per frame.
"""

from __future__ import annotations

import math
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import numpy_helper

from lava_sparse_rnn.audio.peers import _native, _onnx
from lava_sparse_rnn.audio.peers._package import file_of


@dataclass(frozen=True)
class Graph:
    """A model and how often a second of sound runs it, for one frame at a time."""

    peer: str
    package: str
    file: str
    frames_per_second: float


GRAPHS = (
    Graph("dtln", _onnx.DTLN, "model_1.onnx", 125.0),
    Graph("dtln", _onnx.DTLN, "model_2.onnx", 125.0),
    Graph("gtcrn", _onnx.GTCRN, "gtcrn_simple.onnx", 62.5),
    Graph("nsnet2", _onnx.NSNET2, "nsnet2-20ms-baseline.onnx", 100.0),
)


def shapes(model: onnx.ModelProto) -> dict[str, tuple[int, ...]]:
    """Shapes of everything that one frame makes."""
    known = {i.name: tuple(i.dims) for i in model.graph.initializer}
    inner = [name for node in model.graph.node for name in node.output if name]
    have = {o.name for o in model.graph.output}
    model.graph.output.extend(
        onnx.ValueInfoProto(name=name) for name in inner if name not in have
    )
    session = onnxruntime.InferenceSession(model.SerializeToString())
    feed = {}
    for node in session.get_inputs():
        shape = [d if isinstance(d, int) else 1 for d in node.shape]
        feed[node.name] = np.zeros(shape, dtype=np.float32)
    names = [o.name for o in session.get_outputs()]
    found = session.run(names, feed)
    known |= {n: np.shape(v) for n, v in zip(names, found, strict=True)}
    return known | {n: v.shape for n, v in feed.items()}


def constants(model: onnx.ModelProto) -> dict[str, np.ndarray]:
    """Every weight: initialisers and constant nodes."""
    found = {i.name: numpy_helper.to_array(i) for i in model.graph.initializer}
    for node in model.graph.node:
        if node.op_type == "Constant":
            for a in node.attribute:
                if a.name == "value":
                    found[node.output[0]] = numpy_helper.to_array(a.t)
    return found


def conv(node, shape) -> int:
    weight, out = shape[node.input[1]], shape[node.output[0]]
    return math.prod(weight[1:]) * math.prod(out)


def conv_transpose(node, shape) -> int:
    weight, x = shape[node.input[1]], shape[node.input[0]]
    return math.prod(weight[1:]) * math.prod(x)


def product(node, shape) -> int:
    return math.prod(shape[node.output[0]]) * shape[node.input[0]][-1]


def recurrent(node, shape) -> int:
    steps, batch = shape[node.input[0]][:2]
    weights = math.prod(shape[node.input[1]]) + math.prod(shape[node.input[2]])
    return steps * batch * weights


COUNTERS = {
    "Conv": conv,
    "ConvTranspose": conv_transpose,
    "MatMul": product,
    "Gemm": product,
    "LSTM": recurrent,
    "GRU": recurrent,
}


def count(path: Path) -> tuple[int, int]:
    """Weights and multiply-accumulates of one frame."""
    model = onnx.load(str(path))
    weights = constants(model)
    # What only tells shapes, axes or scalars is no weight.
    numbers = sum(w.size for w in weights.values() if w.dtype == np.float32 and w.ndim)
    shape = shapes(model) | {n: w.shape for n, w in weights.items()}
    macs = sum(
        COUNTERS[node.op_type](node, shape)
        for node in model.graph.node
        if node.op_type in COUNTERS
    )
    return numbers, macs


def count_rnnoise() -> tuple[int, int]:
    """Weights and multiply-accumulates of one frame, from the library's symbols."""
    path = file_of(_native.RNNOISE, "librnnoise.so")
    listing = subprocess.run(
        ["nm", "-S", str(path)], capture_output=True, text=True, check=True
    )
    fields = (line.split() for line in listing.stdout.splitlines())
    values = {f[3]: int(f[1], 16) // 4 for f in fields if len(f) == 4}  # float32
    weights = sum(
        n for s, n in values.items() if s.endswith(("_weights_float", "_weights_diag"))
    )
    biases = sum(n for s, n in values.items() if s.endswith("_bias"))
    return weights + biases, weights


def main() -> None:
    totals: dict[str, list[float]] = {}
    for g in GRAPHS:
        weights, macs = count(file_of(g.package, g.file))
        total = totals.setdefault(g.peer, [0, 0.0])
        total[0] += weights
        total[1] += macs * g.frames_per_second
    weights, macs = count_rnnoise()
    totals["rnnoise"] = [weights, macs * 100.0]
    print("| peer | parameters | M-MAC/s |\n|---|---|---|")
    for name, (weights, macs) in totals.items():
        print(f"| {name} | {weights:,} | {macs / 1e6:,.1f} |")


if __name__ == "__main__":
    main()
