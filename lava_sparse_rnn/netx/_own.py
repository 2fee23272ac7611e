# SPDX-License-Identifier: BSD-3-Clause
"""Layers of this library in a network with others."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from lava.magma.core.process.process import AbstractProcess
from numpy.typing import ArrayLike, NDArray

from lava_sparse_rnn.fixed_point import MAX_SHIFT, SpecError
from lava_sparse_rnn.netx._layer import Layer, Place
from lava_sparse_rnn.proc import Affine, SparseRNN
from lava_sparse_rnn.spec import Network, Recipe, Wire
from lava_sparse_rnn.spec.entries import Entry, describe, recipe_of
from lava_sparse_rnn.spec.groups import AffineGroup


def build_run(run: list[Entry], place: Place) -> Layer:
    """Neighbouring layers of this library as one `SparseRNN`.

    What comes from a layer that is not ours passes neurons that shift it into the
    units of the wire and saturate, since the proof that no accumulator overflows
    takes the wire's width for granted. They take no time step.

    Raises
    ------
    SpecError
    """
    network, recipe = describe(run), recipe_of(run[0])
    options = {"clock": place.clock, **place.timing.arguments()}
    process = SparseRNN(network, **options)
    parts: dict[str, AbstractProcess] = {}
    variables = {
        f"layer{run[i].index}_{name}": getattr(process, f"layer{i}_{name}")
        for i, name in _var_names(process)
    }
    inp, frac = process.inp, run[0].input_frac
    if frac is not None or not place.is_first:
        adapter: Any = _adapter(
            network.layers[0].inp, frac, recipe, place.name, options
        )
        adapter.s_out.connect(process.inp)
        parts["adapter"], inp = adapter, adapter.a_in
        variables[f"layer{run[0].index}_overflow_inp"] = adapter.overflow_out
    return Layer(
        process,
        inp,
        process.out,
        network.latency,
        network.layers[-1].out.bits,
        parts,
        variables,
        to_wire=_to_wire(network, frac),
        from_wire=network.from_wire,
    )


def _var_names(process: SparseRNN) -> list[tuple[int, str]]:
    """Layer number and name of every Var of a network."""
    split = (var.name.removeprefix("layer").split("_", 1) for var in process.vars)
    return [(int(i), name) for i, name in split]


def _adapter(
    wire: Wire, frac: int | None, recipe: Recipe, name: str, options: dict
) -> Affine:
    shift = np.zeros(wire.size, dtype=np.int64) if frac is None else frac - wire.frac
    if (worst := int(abs(shift).max())) > MAX_SHIFT:
        text = f"input_frac is {frac}, {worst} places from its input wire's"
        raise SpecError(f"{name}: {text}, the limit is {MAX_SHIFT}")
    group = AffineGroup(np.zeros_like(shift), shift, wire.bits, relu=False)
    return Affine(group=group, recipe=recipe, **options)


def _to_wire(network: Network, frac: int | None):
    return network.to_wire if frac is None else partial(_scaled, frac)


def _scaled(frac: int, x: ArrayLike) -> NDArray[np.int64]:
    """Real values as integers of ``frac`` fractional bits."""
    return np.rint(np.ldexp(x, frac)).astype(np.int64)
