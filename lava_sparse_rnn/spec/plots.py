# SPDX-License-Identifier: BSD-3-Clause
"""Pictures of a network: where its weights are, what it sends, what rounding costs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lava_sparse_rnn import pictures
from lava_sparse_rnn.fixed_point import SpecError
from lava_sparse_rnn.spec import reference
from lava_sparse_rnn.spec._network import Network, check_network
from lava_sparse_rnn.spec._tensors import Weights
from lava_sparse_rnn.spec.sequences import SequencesLike
from lava_sparse_rnn.spec.statistics import TensorError, useful_synops
from lava_sparse_rnn.spec.statistics import activity as activity_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LAYERS_SHOWN = 8
SIDE = 96  # squares along the longer side of a matrix


def sparsity(network: Network) -> Figure:
    """Where the weights of every sparse matrix are: the darker, the more.

    Parameters
    ----------
    network : Network
        Of the first 8 layers, if there are more.

    Returns
    -------
    Figure
        A row per layer. Each square stands for some rows and columns of a matrix,
        and is the share of them that is not zero.
    """
    check_network(network, "sparsity")
    shown = network.layers[:LAYERS_SHOWN]
    columns = max(len(layer.matrices) for layer in shown)
    figure = pictures.figure(max(2.2 * columns, 5), 1.9 * len(shown) + 0.6)
    axes: Any = figure.subplots(len(shown), columns, squeeze=False)
    found = [
        (axes[i, j], f"{i} {name}", weights, _shares(weights))
        for i, layer in enumerate(shown)
        for j, (name, weights) in enumerate(layer.matrices.items())
    ]
    most = max(float(shares.max()) for *_, shares in found) or 1.0
    for axis, name, weights, shares in found:
        rows, n_in = weights.shape
        zero = 1 - weights.nnz / max(rows * n_in, 1)
        axis.imshow(
            shares,
            cmap="Greys",
            vmin=0,
            vmax=most,
            extent=(0, n_in, rows, 0),
            interpolation="nearest",
        )
        axis.set_xticks([])
        axis.set_yticks([])
        axis.set_title(
            f"{name}\n{rows} x {n_in}, {zero:.1%} zero", fontsize=7, loc="center"
        )
    used = [axis for axis, *_ in found]
    for axis in (a for a in axes.ravel() if a not in used):
        axis.remove()
    image = found[0][0].images[0]
    figure.colorbar(image, ax=used, label="share not zero", shrink=0.5, aspect=30)
    left_out = len(network.layers) - len(shown)
    more = f" (the first {len(shown)} of its layers)" if left_out else ""
    figure.suptitle(f"weights of the network{more}", fontsize=10)
    return figure


def _shares(weights: Weights) -> NDArray[np.float64]:
    """Share of weights that are not zero, by squares of some rows and columns."""
    matrix: Any = weights.matrix.tocoo()
    size = -(-max(weights.shape) // SIDE)
    rows, columns = (-(-n // size) for n in weights.shape)
    where = (matrix.row // size, matrix.col // size)
    count = np.zeros((rows, columns))
    np.add.at(count, where, matrix.data != 0)
    height, width = (
        np.minimum(size, n - size * np.arange(-(-n // size))) for n in weights.shape
    )
    return count / (height[:, None] * width)


def activity(
    network: Network, x: SequencesLike, trace: Mapping[str, Any] | None = None
) -> Figure:
    """How much of a network some input keeps busy.

    Parameters
    ----------
    network : Network
    x : array of int, shape (T, d_in) or (N, T, d_in), or a list of arrays
    trace : mapping, optional
        What `reference.run` filled for that input; it is run where there is none.

    Returns
    -------
    Figure
        Above: of each wire of each layer the share of messages that are not zero.
        Below: synaptic operations of each token, layers one upon another.
    """
    check_network(network, "activity", x, trace)
    if trace is None:
        trace = {}
        reference.run(network, x, trace)
    rows = activity_of(network, x, trace)
    figure = pictures.figure(9, 5.6)
    axes: Any = figure.subplots(2, 1)
    above, below = axes
    wires = list(dict.fromkeys(name for row in rows for name in row.silent))
    for k, wire in enumerate(wires):
        bars = [(r.layer, r.silent) for r in rows if wire in r.silent]
        places = [i - 0.4 + 0.8 * (list(s).index(wire) + 0.5) / len(s) for i, s in bars]
        above.bar(
            places,
            [1 - silent[wire] for _, silent in bars],
            [0.76 / len(silent) for _, silent in bars],
            label=wire,
            color=pictures.COLORS[k % len(pictures.COLORS)],
            edgecolor="black",
            linewidth=0.5,
        )
    above.set_xticks(range(len(rows)), [f"{r.layer} {r.type}" for r in rows])
    above.set_ylim(0, 1.25)  # room for the legend
    above.set_yticks(np.linspace(0, 1, 6))
    above.yaxis.set_major_formatter("{x:.0%}")
    above.set_title("messages that are not zero, by wire", loc="left", fontsize=10)
    above.legend(ncols=8, fontsize=8, loc="upper right", framealpha=0.85)
    _synops(network, useful_synops(network, x, trace), rows, below)
    return figure


def _synops(network: Network, synops: NDArray, rows: list, axis: Any) -> None:
    from matplotlib import colormaps

    tokens = np.arange(synops.shape[1])
    shades = colormaps["cividis"](np.linspace(0.1, 0.95, len(synops)))
    floor = np.zeros(len(tokens))
    for i, counts in enumerate(synops):
        axis.fill_between(
            tokens, floor, floor + counts, step="mid", color=shades[i], lw=0
        )
        floor = floor + counts
    axis.step(tokens, floor, where="mid", color="black", lw=0.8, label="all layers")
    dense = sum(row.dense_synops for row in rows)
    axis.set_title(
        f"synaptic operations of each token: mean {floor.mean():,.0f}; without any "
        f"zero {dense:,}",
        loc="left",
        fontsize=10,
    )
    axis.set_xlabel(
        f"token; layers 0 (dark) to {len(synops) - 1} (bright), one upon another"
    )
    axis.yaxis.set_major_formatter("{x:,.0f}")
    axis.set_xlim(-0.5, len(tokens) - 0.5)
    axis.set_ylim(0, max(1.15 * float(floor.max()), 1))


def errors(rows: Iterable[TensorError], title: str = "") -> Figure:
    """Signal over error of every tensor, by layer.

    Parameters
    ----------
    rows : iterable of TensorError
        Of `statistics.rounding_errors`, or of a report of `nn.quantize`.
    title : str
        What was compared.

    Returns
    -------
    Figure
        A line per tensor; a tensor without any error has no point, one whose values
        did not all fit has a hollow one.
    """
    found = list(rows)
    if not found:
        raise SpecError("errors: no tensor, at least one is needed")
    figure = pictures.figure(8, 3.6)
    axis: Any = figure.subplots()
    for k, name in enumerate(dict.fromkeys(row.tensor for row in found)):
        own = [row for row in found if row.tensor == name]
        layers = np.array([row.layer for row in own])
        decibels = np.array([row.snr_db for row in own], float)
        decibels[~np.isfinite(decibels)] = np.nan
        color = pictures.COLORS[k % len(pictures.COLORS)]
        marker = pictures.MARKERS[k % len(pictures.MARKERS)]
        axis.plot(layers, decibels, color=color, marker=marker, lw=1, label=name)
        lost = np.array([row.overflows > 0 for row in own])
        if lost.any():
            hollow = axis.plot(layers[lost], decibels[lost], marker, zorder=3)[0]
            hollow.set(color="white", markeredgecolor=color)
    axis.set_xticks(sorted({row.layer for row in found}))
    axis.set_xlabel("layer (hollow: some values did not fit)")
    axis.set_ylabel("signal over error, dB")
    axis.set_title(title, loc="left", fontsize=10)
    axis.grid(color="0.9")
    figure.legend(title="tensor", fontsize=8, loc="outside right center", frameon=False)
    return figure
