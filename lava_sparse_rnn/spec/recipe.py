# SPDX-License-Identifier: BSD-3-Clause
"""How a network computes, and the widths that it is quantised for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase

from lava_sparse_rnn.fixed_point import (
    MAX_BITS,
    OVERFLOWS,
    ROUNDINGS,
    IntegerArithmetic,
    SigmoidLines,
    SpecError,
    brief,
    check_whole,
    choose,
    fit_lines,
)
from lava_sparse_rnn.spec._tensors import MAX_WEIGHT_BITS, Part

NONLINEARITIES = ("real_gate", "split", "none")
"""What states pass on their way to the readout, see docs/arithmetic.md."""
WIDTHS = (
    *("weight_bits", "wire_bits", "state_bits"),
    *("a_bits", "gate_bits", "bias_bits"),
)
INPUT = "input"
"""The place of the wire that enters a network; ``wire_bits`` is its width."""


@dataclass(frozen=True, eq=False)
class Recipe(Part):
    """How a network computes, and the widths it was quantised for.

    Parameters
    ----------
    rounding : {"floor", "nearest"}
        What every shift does with the bits that it drops.
    overflow : {"saturate", "wrap"}
        What happens to a value that does not fit.
    state_nonlinearity : {"real_gate", "split", "none"}
        Between the recurrence and its wires, see arithmetic in the documentation.
    sigmoid : SigmoidLines
    weight_bits, wire_bits, state_bits, a_bits, gate_bits, bias_bits : int
        What `quantize` uses when it makes a description, 2 to 8 for weights, else to
        32. Every tensor carries its own width too, with which a network computes.
    by_layer : mapping of str to mapping of str to int, optional
        Other widths for some layers: a pattern of their places (``layer0``,
        ``layer[1-4]``, ``layer*``, as in a shell; ``input`` is the wire that enters
        the network), and what it changes. Of several patterns that match a place,
        the last one counts. A layer's ``wire_bits`` are those of what it sends.

    Examples
    --------
    >>> Recipe(by_layer={"layer[1-3]": {"weight_bits": 4}}).at("layer2").weight_bits
    4
    """

    rounding: str = "floor"
    overflow: str = "saturate"
    state_nonlinearity: str = "real_gate"
    sigmoid: SigmoidLines = field(default_factory=fit_lines)
    weight_bits: int = 8
    wire_bits: int = 16
    state_bits: int = 24
    a_bits: int = 16
    gate_bits: int = 16
    bias_bits: int = 24
    by_layer: Mapping[str, Mapping[str, int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        choose("rounding", self.rounding, ROUNDINGS)
        choose("overflow", self.overflow, OVERFLOWS)
        choose("state_nonlinearity", self.state_nonlinearity, NONLINEARITIES)
        if not isinstance(self.sigmoid, SigmoidLines):
            text = f"sigmoid is {brief(self.sigmoid)}, must be SigmoidLines"
            raise SpecError(f"{text}; fit_lines makes some")
        self._set(**{name: _width(name, getattr(self, name)) for name in WIDTHS})
        if not isinstance(self.by_layer, Mapping):
            raise SpecError(f"by_layer is {brief(self.by_layer)}, must be a mapping")
        held = {str(p): _widths(str(p), own) for p, own in self.by_layer.items()}
        self._set(by_layer=held)

    def __eq__(self, other: object) -> bool:
        # Patterns have an order, which mappings do not compare.
        same = super().__eq__(other)
        if same is not True or not isinstance(other, Recipe):
            return same
        return list(self.by_layer) == list(other.by_layer)

    def arithmetic(self) -> IntegerArithmetic:
        """Integer arithmetic with this recipe's policies and new counters."""
        return IntegerArithmetic(self.rounding, self.overflow)

    def at(self, place: str) -> Recipe:
        """The recipe of one place, ``input`` or ``layer<i>``: `by_layer` resolved."""
        widths: dict[str, int] = {}
        for pattern, own in self.by_layer.items():
            if fnmatchcase(place, pattern):
                widths |= own
        return replace(self, by_layer={}, **widths) if self.by_layer else self

    def check_places(self, n_layers: int) -> None:
        """Refuse a pattern that none of so many layers matches.

        Raises
        ------
        SpecError
        """
        places = [INPUT, *(f"layer{i}" for i in range(n_layers))]
        for pattern in self.by_layer:
            if not any(fnmatchcase(place, pattern) for place in places):
                raise SpecError(
                    f"by_layer: {pattern!r} matches no place of this network, which "
                    f"has {INPUT} and layer0 to layer{n_layers - 1}"
                )


def _widths(pattern: str, own: Mapping[str, int]) -> dict[str, int]:
    here = f"by_layer[{pattern!r}]"
    if not isinstance(own, Mapping):
        raise SpecError(f"{here} is {brief(own)}, must map widths to numbers of bits")
    return {
        choose(here, name, WIDTHS): _width(name, bits, f"{here}: ")
        for name, bits in own.items()
    }


def _width(name: str, bits: int, here: str = "") -> int:
    most = MAX_WEIGHT_BITS if name == "weight_bits" else MAX_BITS
    return check_whole(f"{here}{name}", bits, 2, most)
