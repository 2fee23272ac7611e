# SPDX-License-Identifier: BSD-3-Clause
"""A chain of real layers, and the network description that it becomes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from lava_sparse_rnn.fixed_point import SpecError, brief
from lava_sparse_rnn.spec._network import Network
from lava_sparse_rnn.spec._tensors import Wire
from lava_sparse_rnn.spec.layers import Layer
from lava_sparse_rnn.spec.quantize.affine import RealAffine, quantize_affine
from lava_sparse_rnn.spec.quantize.block import RealBlock, quantize_block
from lava_sparse_rnn.spec.quantize.peaks import (
    HEADROOM,
    Peaks,
    magnitudes,
    peak_wire,
)
from lava_sparse_rnn.spec.quantize.recipes import as_recipe
from lava_sparse_rnn.spec.quantize.s4d import RealS4D, quantize_s4d
from lava_sparse_rnn.spec.recipe import INPUT, Recipe

RealLayer = RealAffine | RealBlock | RealS4D
QUANTIZERS: dict[type, Callable[..., Layer]] = {
    RealAffine: quantize_affine,
    RealBlock: quantize_block,
    RealS4D: quantize_s4d,
}
"""What makes the description of each type of real layer."""


def quantize_layer(
    layer: RealLayer,
    peaks: Peaks,
    recipe: Recipe,
    inp: Wire | None = None,
    headroom: int = HEADROOM,
) -> Layer:
    """The description of one layer; see `quantize_affine` and its like."""
    return QUANTIZERS[type(layer)](layer, peaks, recipe, inp, headroom)


def quantize_network(
    layers: Sequence[RealLayer],
    ranges: Sequence[Peaks],
    recipe: Recipe | str | None = None,
    meta: Mapping[str, Any] | None = None,
    headroom: int = HEADROOM,
) -> Network:
    """The description of a chain of layers.

    Parameters
    ----------
    layers : sequence of RealAffine, RealBlock or RealS4D
    ranges : sequence of dict of array
        Largest magnitudes of every neuron in real units, by name: first ``out`` of
        what comes before the network, its input, then those of every layer.
    recipe : Recipe or str, optional
        Widths and policies, or the name of such in `RECIPES`.
    meta : mapping, optional
        Kept in the description.
    headroom : int
        Bits above the peaks: `HEADROOM` for peaks of data, 0 for worst cases.

    Returns
    -------
    Network
        It satisfies the load-time proof.

    Raises
    ------
    SpecError
        When no format satisfies the proof; the message names layer, tensor, row,
        value and limit. Also for ranges that are none, or of other layers.
    """
    recipe = as_recipe(recipe)
    listed = isinstance(ranges, list | tuple)
    if not listed or not all(isinstance(peaks, Mapping) for peaks in ranges):
        raise SpecError(
            f"ranges is {brief(ranges)}; expected a list of dicts of arrays, as "
            "calibrate and worst_case make them"
        )
    if len(ranges) != len(layers) + 1:
        raise SpecError(
            f"ranges: {len(ranges)} of them for the input and {len(layers)} layers"
        )
    recipe.check_places(len(layers))
    inp = peak_wire(ranges[0], "out", recipe.at(INPUT), headroom)
    made: list[Layer] = []
    for i, (layer, peaks) in enumerate(zip(layers, ranges[1:], strict=True)):
        try:
            own = recipe.at(f"layer{i}")
            made.append(quantize_layer(layer, peaks, own, inp, headroom))
        except SpecError as error:
            raise SpecError(f"layer {i}, {error}") from error
        except ValueError as error:  # numpy's, of arrays of other shapes
            text = f"layer {i}: its peaks do not fit its size ({error})"
            raise SpecError(text) from error
        inp = made[-1].out
    return Network(tuple(made), recipe, {} if meta is None else meta)


def worst_case(layers: Sequence[RealLayer], input_range: ArrayLike) -> list[Peaks]:
    """Ranges that no input within ``input_range`` leaves.

    Parameters
    ----------
    layers : sequence of RealAffine, RealBlock or RealS4D
    input_range : float or array of float, shape (d_in,)
        Largest magnitude of each input, in real units.

    Returns
    -------
    list of dict of array
        As `quantize_network` takes them, with ``headroom=0``.

    Raises
    ------
    SpecError
        When a magnitude is negative or not finite, or a state does not decay.
    """
    u = np.array(magnitudes("input_range", input_range, layers[0].d_in))
    ranges = [{"out": u}]
    for layer in layers:
        found = layer.worst(ranges[-1]["out"])
        ranges.append({name: value for name, value in found.items() if name != "u"})
    return ranges
