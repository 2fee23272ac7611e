# SPDX-License-Identifier: BSD-3-Clause
"""The network description: what every way to run a network reads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import ArrayLike, NDArray

from lava_sparse_rnn.fixed_point import SpecError, as_array, brief, check_flag
from lava_sparse_rnn.spec._tensors import Part, Wire, share
from lava_sparse_rnn.spec._validate import validate_layer
from lava_sparse_rnn.spec._write import save, write_layers
from lava_sparse_rnn.spec.graph import Graph, graph_of
from lava_sparse_rnn.spec.layers import Layer
from lava_sparse_rnn.spec.recipe import Recipe

_MOST_LAYERS = 7  # lines of a `repr`


@dataclass(frozen=True, eq=False)
class Network(Part):
    """A chain of layers, validated when it is made.

    Parameters
    ----------
    layers : sequence of Layer
        Each one's `out` is the next one's `inp`.
    recipe : Recipe
    meta : mapping, optional
        What the network is for and how its inputs are made, as values that JSON
        can hold; kept in the file, not interpreted here.

    Raises
    ------
    SpecError
        When shapes or formats do not match, or a worst case would overflow an
        accumulator; the message names layer, row, value and limit.
    """

    layers: tuple[Layer, ...]
    recipe: Recipe = field(default_factory=Recipe)
    meta: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not isinstance(self.meta, Mapping):
            kind = type(self.meta).__name__
            raise SpecError(
                f"network: meta is {kind}, must be a mapping such as a dict"
            )
        self._set(layers=checked_layers(self.layers), meta=dict(self.meta))
        validate(self)

    def _about(self) -> str:
        matrices = [m for layer in self.layers for m in layer.matrices.values()]
        total = sum(m.shape[0] * m.shape[1] for m in matrices)
        held = sum(layer.weight_bytes for layer in self.layers)
        policy = f"{self.recipe.rounding}, {self.recipe.overflow}"
        lines = [
            f"  {i} {layer.type}: {layer.summary}, bits: {_widths(layer)}"
            for i, layer in enumerate(self.layers)
        ]
        if len(lines) > _MOST_LAYERS:
            left_out = f"  ... {len(lines) - _MOST_LAYERS + 1} more"
            lines = [*lines[: _MOST_LAYERS - 2], left_out, lines[-1]]
        head = (
            f"{self.d_in} -> {self.d_out}, latency {self.latency}, "
            f"{share(sum(m.nnz for m in matrices), total)}, {held:,} bytes, {policy}"
        )
        return "\n".join([head, *lines])

    @property
    def d_in(self) -> int:
        """Number of inputs."""
        return self.layers[0].inp.size

    @property
    def d_out(self) -> int:
        """Number of outputs."""
        return self.layers[-1].out.size

    @cached_property
    def graphs(self) -> tuple[Graph, ...]:
        """Groups and synapses of each layer."""
        return tuple(graph_of(layer, self.recipe) for layer in self.layers)

    @property
    def latency(self) -> int:
        """Time steps from a token's arrival to its answer in a Lava network."""
        return sum(layer.latency for layer in self.layers)

    def to_wire(self, x: ArrayLike) -> NDArray[np.int64]:
        """Real inputs, shape (..., d_in), as integers of the input wire."""
        return self.layers[0].inp.format.quantize(_of_width(x, self.d_in, "input"))

    def from_wire(self, y: ArrayLike) -> NDArray[np.float64]:
        """Integers of the output wire, shape (..., d_out), as real values."""
        values = _of_width(y, self.d_out, "output")
        kind = values.dtype.kind
        if kind not in "iuf" or (kind == "f" and not np.isfinite(values).all()):
            what = "one that is not" if kind == "f" else values.dtype
            raise SpecError(f"output: values must be finite numbers, got {what}")
        return self.layers[-1].out.format.dequantize(values)

    def save(self, path: str | Path, packed: bool = False) -> None:
        """Write the description as HDF5; see `lava_sparse_rnn.spec.load`.

        Parameters
        ----------
        path : path
            Replaced only when all is written.
        packed : bool
            Each layer as one compressed array: the smaller file. Otherwise every
            array is a dataset of its own, which other programs can read.
        """
        check_flag("save: packed", packed)
        save(path, self.layers, self.recipe, self.meta, packed)


def checked_layers(layers: object) -> tuple[Layer, ...]:
    """Layers as a tuple, or an error that names the first that is none."""
    if not isinstance(layers, Iterable):
        raise SpecError(f"network: layers is {brief(layers)}, must be a list of layers")
    found = tuple(layers)
    for i, layer in enumerate(found):
        if not isinstance(layer, Layer):
            kind = type(layer).__name__
            raise SpecError(f"network: layer {i} is {kind}, must be a spec.Layer")
    return found


def _widths(layer: Layer) -> str:
    """Bits of the weights and of the wire that a layer sends."""
    weights = {m.bits for m in layer.matrices.values()}
    return f"{'/'.join(map(str, sorted(weights)))} out {layer.out.bits}"


def check_network(value: object, asked_by: str, *others: object) -> Network:
    """``value`` if it is a network, or an error that says how to get one.

    Parameters
    ----------
    value : Network
    asked_by : str
        Who needs it, for the message.
    *others
        The arguments that come after it: a network among them was swapped with it.

    Raises
    ------
    SpecError
        For the path of a file, and everything else.
    """
    if isinstance(value, Network):
        return value
    if any(isinstance(other, Network) for other in others):
        raise SpecError(
            f"{asked_by}: arguments are swapped: the spec.Network comes first, got "
            f"{type(value).__name__} there"
        )
    if isinstance(value, str | Path):
        raise SpecError(
            f"{asked_by}: needs a spec.Network, got the path {str(value)!r}; "
            f"spec.load({str(value)!r}) reads it"
        )
    raise SpecError(
        f"{asked_by}: needs a spec.Network, got {type(value).__name__}; "
        "spec.load reads one from a file"
    )


def validate(network: Network) -> None:
    """Check a whole network; the first rule that it breaks is raised."""
    check_network(network, "validate")
    if not isinstance(network.recipe, Recipe):
        raise SpecError(
            f"network: recipe is {brief(network.recipe)}, must be a spec.Recipe"
        )
    if not network.layers:
        raise SpecError("network: has no layers")
    before: Wire | None = None
    for i, layer in enumerate(network.layers):
        where = f"layer {i} ({layer.type})"
        if before is not None and layer.inp != before:
            raise SpecError(
                f"{where}: its inp (size {layer.inp.size}) is not the out wire of "
                f"layer {i - 1} (size {before.size}): size, bits, frac and ref must "
                "be the same"
            )
        validate_layer(layer, network.recipe, where)
        before = layer.out


def write(network: Network, handle: h5py.Group, packed: bool = False) -> None:
    """Write ``network`` into an open HDF5 file or group.

    With ``packed`` each layer is one compressed array.
    """
    check_network(network, "write", handle)
    write_layers(handle, network.layers, network.recipe, network.meta, packed)


def _of_width(values: ArrayLike, n: int, name: str) -> NDArray:
    """An array of shape (..., n): one of width 1 would be spread over all."""
    array = as_array(name, values)
    if array.ndim == 0 or array.shape[-1] != n:
        raise SpecError(f"{name}: shape {array.shape}, must be (..., {n})")
    return array
