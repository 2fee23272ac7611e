# SPDX-License-Identifier: BSD-3-Clause
"""Layers as constant tables of C and as steps of the token's way through them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse

from lava_sparse_rnn.c_export._c import Tables, uint_type
from lava_sparse_rnn.c_export._matrix import Columns, columns_of
from lava_sparse_rnn.c_export._types import Types
from lava_sparse_rnn.fixed_point import choose
from lava_sparse_rnn.spec import S4D, Affine, Layer, Network, Recipe, S5Block
from lava_sparse_rnn.spec.groups import (
    AffineGroup,
    GateGroup,
    ReadoutGroup,
    RecurrenceGroup,
)

WIDEST_FIT = 31  # numbers before a fit are below 2**30
LARGEST_LEFT = 29  # and so are left shifts: farther goes only what is always 0


@dataclass(frozen=True)
class Part:
    """A layer in C.

    Parameters
    ----------
    structure : str
        Definition of its table of constants, which names the arrays.
    step : str
        The call that runs it.
    tensors : tuple of str
        What it counts overflows of, in the reference's order.
    state : tuple of str
        Names of its members of the state, real and imaginary part.
    """

    structure: str
    step: str
    tensors: tuple[str, ...]
    state: tuple[str, ...] = ()


class Writer:
    """Writes the layers of one network.

    Parameters
    ----------
    network : Network
    types : Types

    Attributes
    ----------
    tables : Tables
        Every constant array so far.
    count_t : str
        Type of the number of entries in a column of any matrix.
    """

    def __init__(self, network: Network, types: Types) -> None:
        self.types, self.recipe, self.tables = types, network.recipe, Tables()
        self._matrices = [
            choose("c_export: layer type", la.type, MATRICES)(la)
            for la in network.layers
        ]
        matrices = [m for part in self._matrices for m in part.values()]
        self.count_t = uint_type(max(int(m.counts.max()) for m in matrices))

    def layer(self, i: int, layer: Layer, first_tensor: int) -> Part:
        """Layer ``i``, whose first counter has this number."""
        made = WRITERS[layer.type](self, f"layer{i}", layer, first_tensor)
        fields, name = made[0], f"layer{i}"
        lines = "\n".join(f"    .{key} = {value}," for key, value in fields.items())
        kind = f"{layer.type}_layer"
        structure = f"static const {kind} {name} = {{\n{lines}\n}};"
        return Part(structure, *made[1:])

    def matrix(self, layer: str, name: str) -> str:
        """Initialiser of a matrix, its arrays defined."""
        m: Columns = self._matrices[int(layer[5:])][name]
        where = f"{layer}_{name}"
        rows, columns = m.shape
        if m.dense is not None:
            self.tables.add(where, "int8_t", m.dense)
            return f"{{{rows}, {columns}, 0, 0, {where}}}"
        # C has no empty arrays.
        entries = m.entries if len(m.entries) else np.zeros((1, 2), np.int64)
        self.tables.add(f"{where}_counts", self.count_t, m.counts)
        self.tables.add_pairs(where, "entry", entries)
        return f"{{{rows}, {columns}, {where}_counts, {where}, 0}}"

    def ints(self, layer: str, c_type: str, **arrays: ArrayLike) -> dict[str, str]:
        """Define arrays; returns them as fields of the layer's structure."""
        return {
            name: self.tables.add(f"{layer}_{name}", c_type, values)
            for name, values in arrays.items()
        }

    def shifts(self, layer: str, **arrays: ArrayLike) -> dict[str, str]:
        """Define arrays of shifts."""
        capped = {n: np.maximum(k, -LARGEST_LEFT) for n, k in arrays.items()}
        return self.ints(layer, "int8_t", **capped)


def fit_bits(bits: int) -> int:
    """Width that the exported ``fit`` is called with."""
    return min(bits, WIDEST_FIT)


def _affine_matrices(layer: Affine) -> dict[str, Columns]:
    return {"W": columns_of(layer.weights.matrix)}


def _s4d_matrices(layer: S5Block | S4D) -> dict[str, Columns]:
    m = {name: weights.matrix for name, weights in layer.matrices.items()}
    return {
        "B": columns_of(sparse.vstack([m["B_re"], m["B_im"]])),
        "C": columns_of(sparse.hstack([m["C_re"], m["C_imn"]])),
    }


def _s5_matrices(block: S5Block) -> dict[str, Columns]:
    return {**_s4d_matrices(block), "W": columns_of(block.W.matrix)}


def _affine(writer: Writer, name: str, layer: Affine, first: int) -> tuple[Any, ...]:
    group = AffineGroup.of(layer, writer.recipe)
    fields = {
        "W": writer.matrix(name, "W"),
        **writer.ints(name, writer.types.bias_t, bias=group.bias),
        **writer.shifts(name, k=group.k),
        "bits": fit_bits(group.bits),
        "relu": int(group.relu),
        "tensors": first,
    }
    return fields, f"affine(state, &{name});", ("out",)


def _s5(writer: Writer, name: str, block: S5Block, first: int) -> tuple[Any, ...]:
    recurrence = RecurrenceGroup.of(block, writer.recipe)
    bias_x = np.concatenate([recurrence.bias_re, recurrence.bias_im])
    fields = {
        "d_model": block.d_model,
        "d_state": block.d_state,
        **_recurrence(writer, name, recurrence),
        **writer.ints(name, writer.types.bias_t, bias_x=bias_x),
        **_readout(writer, name, block, writer.recipe),
        **_gate(writer, name, GateGroup.of(block, writer.recipe)),
        "tensors": first,
    }
    return fields, *_called("s5", name, ("z", "g", "out"))


def _s4d(writer: Writer, name: str, layer: S4D, first: int) -> tuple[Any, ...]:
    group = AffineGroup.of_channels(layer)
    fields = {
        "d_state": layer.d_state,
        **_recurrence(writer, name, RecurrenceGroup.of_channels(layer)),
        "C": writer.matrix(name, "C"),
        **writer.shifts(name, k=group.k),
        "bits": fit_bits(group.bits),
        "tensors": first,
    }
    return fields, *_called("s4d", name, ("out",))


def _called(kind: str, name: str, tensors: tuple[str, ...]) -> tuple[Any, ...]:
    """Step, tensors and state of a layer that begins with a recurrence."""
    state = (f"{name}_x_re", f"{name}_x_im")
    step = f"{kind}(state, &{name}, state->{state[0]}, state->{state[1]});"
    return step, ("x_re", "x_im", "s_re", "s_im", *tensors), state


def _recurrence(writer: Writer, name: str, group: RecurrenceGroup) -> dict[str, Any]:
    return {
        "B": writer.matrix(name, "B"),
        **writer.shifts(name, k_B=group.k_B, k_x=group.k_x),
        **writer.ints(name, writer.types.a_t, a_re=group.a_re, a_im=group.a_im),
        "a_frac": group.a_frac,
        "x_bits": fit_bits(group.state_bits),
        "s_bits": fit_bits(group.bits),
    }


def _readout(
    writer: Writer, name: str, block: S5Block, recipe: Recipe
) -> dict[str, Any]:
    group = ReadoutGroup.of(block, recipe)
    return {
        "C": writer.matrix(name, "C"),
        **writer.ints(name, "int8_t", D=block.D.values),
        **writer.shifts(name, k_C=group.k_C, k_D=group.k_D),
        **writer.ints(name, writer.types.bias_t, bias_z=group.bias),
        "z_bits": fit_bits(group.bits),
    }


def _gate(writer: Writer, name: str, group: GateGroup) -> dict[str, Any]:
    # A line's shift plus g's frac is 0 to 31; the lines' lowest shift goes with frac.
    k_line = group.line_shifts.min(axis=0)
    k_line = np.broadcast_to(k_line, group.bias.shape)
    return {
        "W": writer.matrix(name, "W"),
        **writer.ints(name, writer.types.bias_t, bias_g=group.bias),
        **writer.shifts(name, k_g=group.k_g, k_line=k_line),
        **writer.shifts(name, k_h=group.k_h, k_u=group.k_u),
        "g_bits": fit_bits(group.g_bits),
        "out_bits": fit_bits(group.bits),
    }


MATRICES: dict[str, Callable[[Any], dict[str, Columns]]] = {
    Affine.type: _affine_matrices,
    S5Block.type: _s5_matrices,
    S4D.type: _s4d_matrices,
}
WRITERS: dict[str, Callable[..., tuple[Any, ...]]] = {
    Affine.type: _affine,
    S5Block.type: _s5,
    S4D.type: _s4d,
}
