# SPDX-License-Identifier: BSD-3-Clause
"""From a network description to what the compiled kernels hold."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse

from lava_sparse_rnn.engine._extension import EXTENSION, choose_kernel
from lava_sparse_rnn.fixed_point import Brief, SpecError, choose
from lava_sparse_rnn.spec import Network, Wire, check_network, validate
from lava_sparse_rnn.spec.groups import (
    AffineGroup,
    GateGroup,
    ReadoutGroup,
    RecurrenceGroup,
)
from lava_sparse_rnn.spec.layers import S4D, Affine, Layer, S5Block
from lava_sparse_rnn.spec.recipe import NONLINEARITIES, Recipe

LANES = 16  # a kernel's neuron groups begin at multiples of this
NARROW = 16  # bits of a payload that a vector kernel takes
LONGEST_ROW = 65536  # columns that its indices reach
LAYOUTS = ("", "sparse", "dense")


@dataclass(frozen=True)
class Prepared(Brief):
    """A network inside the extension.

    Parameters
    ----------
    executor : object
        The extension's.
    kernel : str
        What it runs on.
    notes : tuple of str
        Why that is not the kernel which was asked for, if so.
    tensors : tuple of (str, int)
        Name and width of everything that is traced and counted, in its order.
    asked : tuple
        Arguments of `prepare`: what is copied or pickled is prepared again.
    """

    executor: Any
    kernel: str
    notes: tuple[str, ...]
    tensors: tuple[tuple[str, int], ...]
    asked: tuple[Network, str | None, str | None]

    def __reduce__(self) -> tuple[Any, ...]:
        return prepare, self.asked


def prepare(network: Network, kernel: str | None, layout: str | None) -> Prepared:
    """Check a network and hand it to the extension.

    Parameters
    ----------
    network : Network
    kernel : str or None
        None is the fastest that this machine has.
    layout : {"sparse", "dense"} or None
        Of the matrices in vector kernels; None is the cheaper one of each.

    Raises
    ------
    SpecError
        When the network breaks a rule, or there is no such kernel.
    """
    asked = network, kernel, layout
    kernel = choose_kernel(kernel)
    check_network(network, "engine")
    if (layout or "") not in LAYOUTS:
        raise SpecError(f"engine: layout is {layout!r}, must be sparse or dense")
    validate(network)
    notes = tuple(obstacles(network)) if kernel != "scalar" else ()
    if notes:
        kernel = "scalar"
    description = describe(network, layout or "")
    executor = EXTENSION.make(description, kernel)
    tensors = tuple(names(network, executor.tensors))
    return Prepared(executor, kernel, notes, tensors, asked)


def names(network: Network, tensors: list[tuple[str, int]]) -> Iterator:
    """Tensors of the extension under the reference's names."""
    layer = 0
    for name, size in tensors:
        yield f"layer{layer}_{name}", size
        layer += name == "out"  # the last one of every layer


def obstacles(network: Network) -> Iterator[str]:
    """Why a network needs the scalar kernel, a sentence for each reason."""
    for i, layer in enumerate(network.layers):
        for name, wire in _wires(layer):
            if wire.bits > NARROW:
                yield _note(i, name, f"payloads have {wire.bits} bits", NARROW)
        for name, weights in layer.matrices.items():
            if weights.shape[1] > LONGEST_ROW:
                yield _note(i, name, f"rows have {weights.shape[1]}", LONGEST_ROW)
        if isinstance(layer, S5Block) and layer.g.bits > NARROW:
            yield _note(i, "g", f"gate arguments have {layer.g.bits} bits", NARROW)
        if not isinstance(layer, S5Block | S4D):
            continue
        if not 0 <= int(layer.a_format.frac) <= 31:
            frac = f"a has {int(layer.a_format.frac)} fractional bits"
            yield _note(i, "a_format", frac, "0 to 31")


def _note(layer: int, name: str, what: str, limit: object) -> str:
    return (
        f"layer {layer}, {name}: {what}, vector kernels take {limit}; the scalar "
        "kernel runs"
    )


def _wires(layer: Layer) -> Iterator[tuple[str, Wire]]:
    for name in ("inp", "s", "z", "out"):
        if hasattr(layer, name):
            yield name, getattr(layer, name)


def describe(network: Network, layout: str) -> Any:
    """The extension's description of a network."""
    recipe = network.recipe
    description = EXTENSION.Description()
    description.nearest = recipe.rounding == "nearest"
    description.wrap = recipe.overflow == "wrap"
    description.set_gate(NONLINEARITIES.index(recipe.state_nonlinearity))
    description.layout = layout
    for layer in network.layers:
        describe_layer = choose("engine: layer type", layer.type, DESCRIBERS)
        description.add(describe_layer(layer, recipe))
    return description


class _Layer:
    """Fills the extension's description of one layer."""

    def __init__(self, kind: str, **numbers: int) -> None:
        self.made = EXTENSION.LayerDescription()
        self.made.type = kind
        self.made.numbers = {name: int(value) for name, value in numbers.items()}

    def arrays(self, **arrays: ArrayLike) -> None:
        for name, value in arrays.items():
            # A copy, because the extension takes no read-only array.
            self.made.set_array(name, np.array(value, dtype=np.int64))

    def matrix(self, name: str, matrix: Any, bits: int) -> None:
        parts = (matrix.indptr, matrix.indices, matrix.data)
        ints = [np.array(part, dtype=np.int64) for part in parts]
        self.made.set_matrix(name, *matrix.shape, bits, *ints)


def _affine(layer: Affine, recipe: Recipe) -> Any:
    group = AffineGroup.of(layer, recipe)
    to = _Layer(
        "affine",
        d_in=layer.inp.size,
        d_out=layer.out.size,
        inp_bits=layer.inp.bits,
        bits=group.bits,
        relu=group.relu,
    )
    to.arrays(bias=group.bias, k=group.k)
    to.matrix("W", layer.weights.matrix, layer.inp.bits)
    return to.made


def _s5(block: S5Block, recipe: Recipe) -> Any:
    recurrence = RecurrenceGroup.of(block, recipe)
    readout = ReadoutGroup.of(block, recipe)
    gate = GateGroup.of(block, recipe)
    to = _Layer(
        "s5",
        d_model=block.d_model,
        d_state=block.d_state,
        inp_bits=block.inp.bits,
        a_frac=recurrence.a_frac,
        state_bits=recurrence.state_bits,
        s_bits=recurrence.bits,
        z_bits=readout.bits,
        g_bits=gate.g_bits,
        bits=gate.bits,
        lines=len(gate.sigmoid),
    )
    to.arrays(D=block.D.values, bias_z=readout.bias, k_C=readout.k_C, k_D=readout.k_D)
    to.arrays(bias_g=gate.bias, k_g=gate.k_g, k_h=gate.k_h, k_u=gate.k_u)
    to.arrays(slope=gate.sigmoid.slope, offset=gate.sigmoid.offset)
    for i, by in enumerate(gate.line_shifts):
        to.arrays(**{f"line{i}": np.broadcast_to(by, (block.d_model,))})
    _states(to, block, recurrence)
    to.matrix("W", block.W.matrix, block.z.bits)
    return to.made


def _s4d(layer: S4D, recipe: Recipe) -> Any:
    recurrence = RecurrenceGroup.of_channels(layer)
    group = AffineGroup.of_channels(layer)
    to = _Layer(
        "s4d",
        d_in=layer.inp.size,
        d_out=layer.out.size,
        d_state=layer.d_state,
        inp_bits=layer.inp.bits,
        a_frac=recurrence.a_frac,
        state_bits=recurrence.state_bits,
        s_bits=recurrence.bits,
        bits=group.bits,
        relu=group.relu,
    )
    to.arrays(bias=group.bias, k=group.k)
    _states(to, layer, recurrence)
    return to.made


def _states(to: _Layer, layer: S5Block | S4D, group: RecurrenceGroup) -> None:
    """The recurrence, what drives it and what reads it."""
    for name in ("bias_re", "bias_im", "k_B", "k_x", "a_re", "a_im"):
        to.arrays(**{name: getattr(group, name)})
    # Both parts of the state are one product: B below B, C beside C, each part
    # beginning at a whole register.
    n, m = layer.d_state, layer.matrices
    rows = [_grown(m[name].matrix, n, 0) for name in ("B_re", "B_im")]
    columns = [_grown(m[name].matrix, n, 1) for name in ("C_re", "C_imn")]
    to.matrix("B", sparse.vstack(rows, format="csr"), layer.inp.bits)
    to.matrix("C", sparse.hstack(columns, format="csr"), layer.s.bits)


def _grown(matrix: Any, n: int, axis: int) -> Any:
    """The CSR matrix with axis ``axis`` grown from ``n`` to whole registers."""
    shape = list(matrix.shape)
    shape[axis] = -(-n // LANES) * LANES
    grown = matrix.copy()
    grown.resize(*shape)
    return grown


def supports(network: Network) -> bool:
    """Whether there are kernels for every layer of a network."""
    check_network(network, "engine")
    return all(layer.type in DESCRIBERS for layer in network.layers)


DESCRIBERS: dict[str, Callable[..., Any]] = {
    Affine.type: _affine,
    S5Block.type: _s5,
    S4D.type: _s4d,
}
