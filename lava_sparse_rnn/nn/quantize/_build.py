# SPDX-License-Identifier: BSD-3-Clause
"""From a folded network and its ranges to a network description."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from numpy.typing import ArrayLike

from lava_sparse_rnn.nn.folded import FoldedNetwork, check_folded
from lava_sparse_rnn.nn.quantize._calibrate import Ranges
from lava_sparse_rnn.spec import Network, Recipe
from lava_sparse_rnn.spec.quantize import HEADROOM, as_recipe, quantize_network
from lava_sparse_rnn.spec.quantize import worst_case as real_worst_case


def quantize(
    folded: FoldedNetwork,
    ranges: Ranges,
    recipe: Recipe | str | None = None,
    meta: Mapping[str, Any] | None = None,
    headroom: int = HEADROOM,
) -> Network:
    """Post-training quantisation; the rule is that of `spec.quantize`.

    Parameters
    ----------
    folded : FoldedNetwork
    ranges : Ranges
        Of `calibrate`, or of `worst_case`.
    recipe : Recipe or str, optional
        Widths and policies, or the name of such in `RECIPES`; the state
        nonlinearity is that of the folded network.
    meta : mapping, optional
        Kept in the description, with the folded network's head under 'head' where
        that answers whole sequences.
    headroom : int
        Bits above the ranges: 1 for what was calibrated, 0 for worst cases.

    Returns
    -------
    spec.Network
        It satisfies the load-time proof.

    Raises
    ------
    SpecError
        When no format satisfies the proof; the message names layer, tensor, row,
        value and limit.
    """
    check_folded(folded)
    recipe = replace(as_recipe(recipe), state_nonlinearity=folded.nonlinearity)
    if folded.head != "sequence" and isinstance(meta, Mapping | None):
        meta = {**(meta or {}), "head": folded.head}
    layers = [layer.real() for layer in folded.layers]
    return quantize_network(layers, ranges, recipe, meta, headroom)


def worst_case(folded: FoldedNetwork, input_range: ArrayLike) -> Ranges:
    """Ranges that no input within ``input_range`` leaves; no data are needed.

    Real signals stay far below them, so that fewer bits are left for those.

    Parameters
    ----------
    folded : FoldedNetwork
    input_range : float or array of float, shape (d_in,)
        Largest magnitude of each input.

    Returns
    -------
    Ranges
        For `quantize` with ``headroom=0``.
    """
    check_folded(folded)
    return real_worst_case([layer.real() for layer in folded.layers], input_range)
