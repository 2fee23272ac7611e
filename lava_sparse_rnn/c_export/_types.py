# SPDX-License-Identifier: BSD-3-Clause
"""The types that a network's bounds allow.

`spec.validate` has proved that every accumulator, every left shift and every sum
before a fit stays below 2**30 in magnitude. With half of the last place, at most
2**30, added for rounding to the nearest, such a number still fits 32 bits. What may
need 64 are the products of the recurrence and of the gate, and the widest formats
when half a place is added to them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from lava_sparse_rnn.c_export._c import bits_for, int_type, uint_type
from lava_sparse_rnn.fixed_point import SIGMOID_ONE
from lava_sparse_rnn.spec import S4D, Bias, Network, Recipe, S5Block
from lava_sparse_rnn.spec.groups import GateGroup

INT32_MAX = (1 << 31) - 1


@dataclass(frozen=True)
class Types:
    """C types and widths of one network.

    Parameters
    ----------
    wire_t, x_t, a_t, bias_t : str
        Of payloads, states, their factors and biases: the narrowest signed types.
    line_t : str
        Unsigned, of the sigmoid's products.
    wide_product, wide_x, wide_gated, wide_u : bool
        Whether what is shifted there needs 64 bits.
    """

    wire_t: str
    x_t: str
    a_t: str
    bias_t: str
    line_t: str
    wide_product: bool
    wide_x: bool
    wide_gated: bool
    wide_u: bool

    @classmethod
    def of(cls, network: Network) -> Types:
        """The types of a network, the same in all of its layers."""
        blocks = [la for la in network.layers if isinstance(la, S5Block)]
        recurrent = [la for la in network.layers if isinstance(la, S5Block | S4D)]
        recipe = network.recipe
        wires = [w.bits for la in network.layers for w in (la.inp, la.out)]
        wires += [b.z.bits for b in blocks] + [la.s.bits for la in recurrent]
        factors = [getattr(la, name) for la in recurrent for name in ("a_re", "a_im")]
        g_bits = max((b.g.bits for b in blocks), default=2)
        steepest, offset = recipe.sigmoid.slope.max(), recipe.sigmoid.offset.max()
        highest_line = int(steepest) * (1 << (g_bits - 1)) + int(offset)
        return cls(
            wire_t=int_type(max(wires)),
            x_t=int_type(max((la.state.bits for la in recurrent), default=8)),
            a_t=int_type(bits_for(*factors)),
            bias_t=int_type(bits_for(*_biases(network))),
            line_t=uint_type(max(highest_line, INT32_MAX)),
            wide_product=_wide(_products(recurrent, recipe)),
            wide_x=_wide(_states(recurrent, recipe)),
            wide_gated=_wide(_gated(blocks, recipe)),
            wide_u=_wide(_residuals(blocks, recipe)),
        )

    def words(self) -> dict[str, str]:
        """Types and names of shifts as the templates have them."""
        int_of = {False: "int32_t", True: "int64_t"}
        shift = {False: "shift", True: "shift_wide"}
        return {
            "wire_t": self.wire_t,
            "x_t": self.x_t,
            "a_t": self.a_t,
            "bias_t": self.bias_t,
            "line_t": self.line_t,
            "product_t": int_of[self.wide_product],
            "gated_t": int_of[self.wide_gated],
            "shift_product": shift[self.wide_product],
            "shift_x": shift[self.wide_x],
            "shift_gated": shift[self.wide_gated],
            "shift_u": shift[self.wide_u],
        }


def half(k: object, recipe: Recipe) -> int:
    """The largest half of a last place that rounding adds before shifts by ``k``."""
    highest = int(np.max(np.asarray(k)))
    return 1 << (highest - 1) if recipe.rounding == "nearest" and highest > 0 else 0


def _wide(highest: Iterable[int]) -> bool:
    return max(highest, default=0) > INT32_MAX


def _biases(network: Network) -> Iterable[np.ndarray]:
    for layer in network.layers:
        yield from (v.value for v in vars(layer).values() if isinstance(v, Bias))


def _products(layers: list[S5Block | S4D], recipe: Recipe) -> Iterable[int]:
    for layer in layers:
        a = max(int(abs(layer.a_re).max()), int(abs(layer.a_im).max()))
        yield a * layer.state.magnitude + half(layer.a_format.frac, recipe)


def _states(layers: list[S5Block | S4D], recipe: Recipe) -> Iterable[int]:
    for layer in layers:
        k_x = layer.state.frac - layer.s.frac
        yield layer.state.highest + half(k_x, recipe)


def _gated(blocks: list[S5Block], recipe: Recipe) -> Iterable[int]:
    for block in blocks:
        # -2**(bits - 1) comes only of wrapping; it fits where the highest does.
        k_h = GateGroup.of(block, recipe).k_h
        yield block.z.format.highest * SIGMOID_ONE + half(k_h, recipe)


def _residuals(blocks: list[S5Block], recipe: Recipe) -> Iterable[int]:
    for block in blocks:
        k_u = GateGroup.of(block, recipe).k_u
        yield block.inp.format.highest + half(k_u, recipe)
