# SPDX-License-Identifier: BSD-3-Clause
"""What a network holds, and what it does on real input.

Sizes come from the description, activity from a trace of the reference executor.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from lava_sparse_rnn.fixed_point import OverflowCounters, RealArithmetic
from lava_sparse_rnn.spec import reference
from lava_sparse_rnn.spec._network import Network, check_network
from lava_sparse_rnn.spec._tensors import Bias, Diagonal
from lava_sparse_rnn.spec.graph import INP, graph_of
from lava_sparse_rnn.spec.layers import Layer
from lava_sparse_rnn.spec.recipe import Recipe
from lava_sparse_rnn.spec.sequences import Sequences, SequencesLike, in_a_row, run_all


@dataclass(frozen=True)
class MatrixSize:
    """One sparse matrix.

    Parameters
    ----------
    layer : int
    name : str
    shape : tuple of int
        (n_out, n_in).
    nnz : int
        Weights that are not zero.
    bits : int
        Width of a weight.
    """

    layer: int
    name: str
    shape: tuple[int, int]
    nnz: int
    bits: int

    @property
    def total(self) -> int:
        """Number of weights, zeros included."""
        return self.shape[0] * self.shape[1]

    @property
    def sparsity(self) -> float:
        """Share of weights that are zero."""
        return 1.0 - self.nnz / self.total

    @property
    def weight_bytes(self) -> int:
        """Bytes of the non-zero values alone, without their positions."""
        return -(-self.nnz * self.bits // 8)


def matrix_sizes(network: Network) -> list[MatrixSize]:
    """Every sparse matrix of a network, in the order of the layers."""
    check_network(network, "statistics")
    return [
        MatrixSize(i, name, weights.shape, weights.nnz, weights.bits)
        for i, layer in enumerate(network.layers)
        for name, weights in layer.matrices.items()
    ]


def sparsity(network: Network) -> float:
    """Share of zeros among the weights of all sparse matrices."""
    sizes = matrix_sizes(network)
    return 1.0 - sum(m.nnz for m in sizes) / sum(m.total for m in sizes)


def parameters(network: Network) -> int:
    """Numbers that training sets: non-zero weights, diagonals, states' factors, biases.

    Exponents are left out, and a complex factor counts twice.
    """
    count = sum(m.nnz for m in matrix_sizes(network))
    for layer in network.layers:
        for item in fields(cast("Any", layer)):
            value = getattr(layer, item.name)
            if isinstance(value, Diagonal):
                count += value.values.size
            elif isinstance(value, Bias):
                count += value.mant.size
            elif isinstance(value, np.ndarray):
                count += value.size
    return count


@dataclass(frozen=True)
class LayerActivity:
    """What one layer does per token, averaged over a recording.

    Parameters
    ----------
    layer : int
    type : str
    silent : dict of float
        Share of the messages of each of the layer's wires that are zero.
    synops : float
        Synaptic operations: non-zero weights that meet a non-zero payload. The
        diagonal D counts; connections that only copy (the residual) do not.
    dense_synops : int
        The same for a layer without any zero.
    """

    layer: int
    type: str
    silent: dict[str, float]
    synops: float
    dense_synops: int


def activity(
    network: Network, x: SequencesLike, trace: Mapping[str, Any]
) -> list[LayerActivity]:
    """Activity per layer.

    Parameters
    ----------
    network : Network
    x : array of int, shape (T, d_in) or (N, T, d_in), or a list of arrays
        The input that was run.
    trace : mapping
        What `reference.run` filled for that input.

    Returns
    -------
    list of LayerActivity
    """
    check_network(network, "statistics", x, trace)
    rows, synops = [], useful_synops(network, x, trace)
    for i, (layer, graph) in enumerate(
        zip(network.layers, network.graphs, strict=True)
    ):
        wires = {n: in_a_row(trace[f"layer{i}_{n}"]) for n in graph.sender}
        silent = {name: float((v == 0).mean()) for name, v in wires.items()}
        dense = sum(edge.dense_size for edge in graph.edges if not edge.copies)
        mean = float(synops[i].mean())
        rows.append(LayerActivity(i, layer.type, silent, mean, dense))
    return rows


def useful_synops(
    network: Network, x: SequencesLike, trace: Mapping[str, Any]
) -> NDArray[np.int64]:
    """Non-zero weights that meet a non-zero payload, without copies.

    Parameters
    ----------
    network, x, trace
        See `activity`.

    Returns
    -------
    array of int, shape (layers, T)
        T tokens, of several sequences one after the other.
    """
    check_network(network, "statistics", x)
    u = Sequences.of(network, x).tokens
    counts = np.zeros((len(network.layers), len(u)), dtype=np.int64)
    for i, graph in enumerate(network.graphs):
        wires = {n: in_a_row(trace[f"layer{i}_{n}"]) for n in graph.sender} | {INP: u}
        for edge in graph.edges:
            if not edge.copies:
                per_column = np.bincount(edge.matrix.indices, minlength=edge.shape[1])
                counts[i] += (wires[edge.source] != 0) @ per_column
        u = wires[graph.out]
    return counts


@dataclass(frozen=True)
class TensorError:
    """What integers cost one tensor of one layer.

    Parameters
    ----------
    layer : int
    tensor : str
        By its name in the layer, such as 's' for a block's wire of states, 'z' before
        the gate, 'g' the gate's argument, 'out' the layer's output.
    snr_db : float
        Energy of the real values over that of the difference, in dB; infinite where
        there is none. It holds the errors of everything before.
    overflows : int
        Values that did not fit.
    overflow_share : float
        Of all values.
    """

    layer: int
    tensor: str
    snr_db: float
    overflows: int
    overflow_share: float


def decibels(signal: float, error: float) -> float:
    """Energy of a signal over that of its error, in dB."""
    if error == 0:
        return np.inf
    return 10 * float(np.log10(signal / error)) if signal else -np.inf


def rounding_errors(network: Network, x: SequencesLike) -> list[TensorError]:
    """What rounding and saturation cost: the same weights in real numbers, compared.

    The rounding of the weights themselves, which only the network that they were made
    from would show, is in both: see `nn.quantize.error_report`.

    Parameters
    ----------
    network : Network
    x : array of int, shape (T, d_in) or (N, T, d_in), or a list of arrays

    Returns
    -------
    list of TensorError
        Of every wire, state and gate argument, in the order of a token's way.
    """
    check_network(network, "rounding_errors", x)
    sequences = Sequences.of(network, x)
    counters = OverflowCounters()
    whole: dict[str, Any] = {}
    real: dict[str, Any] = {}
    reference.run(network, x, whole, counters)
    run_all(reference.Reference(network, RealArithmetic()), sequences, real)
    rows = []
    for i, graph in enumerate(network.graphs):
        for name in (name for node in graph.nodes for name in node.tensors):
            key = f"layer{i}_{name}"
            exact, found = in_a_row(real[key]), in_a_row(whole[key])
            error = float(np.square(found - exact).sum())
            ratio = decibels(float(np.square(exact).sum()), error)
            lost = counters[key]
            rows.append(TensorError(i, name, ratio, lost, lost / max(found.size, 1)))
    return rows


def neuron_count(layer: Layer, recipe: Recipe | None = None) -> int:
    """Neurons of a layer: one per complex state, per readout, per output."""
    return sum(n.group.size for n in graph_of(layer, recipe or Recipe()).nodes)
