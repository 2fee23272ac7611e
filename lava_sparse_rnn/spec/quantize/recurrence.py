# SPDX-License-Identifier: BSD-3-Clause
"""The formats and constants of a recurrence on its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lava_sparse_rnn.fixed_point import QFormat, SpecError
from lava_sparse_rnn.spec import ACCUMULATOR_LIMIT, Bias, Recipe, Wire, shifted_bound
from lava_sparse_rnn.spec.formats import lower, range_frac, wire
from lava_sparse_rnn.spec.groups import RecurrenceGroup
from lava_sparse_rnn.spec.quantize.peaks import (
    largest_part,
    peaks_of,
    real,
    recur,
    stable,
)

IntArray = NDArray[np.int64]


def quantize_a(a: NDArray[np.complex128], recipe: Recipe) -> tuple[IntArray, IntArray]:
    """Real and imaginary part of ``a`` as integers."""
    fmt = QFormat(recipe.a_bits, recipe.a_bits - 1)  # type: ignore[arg-type]
    return fmt.quantize(a.real), fmt.quantize(a.imag)


def own_bound(a_re: IntArray, a_im: IntArray, recipe: Recipe) -> IntArray:
    """Worst case of ``|a_re x| + |a_im x|`` after their shifts, shape (n,)."""
    x_max, frac = 1 << (recipe.state_bits - 1), recipe.a_bits - 1
    return shifted_bound(abs(a_re) * x_max, frac) + shifted_bound(
        abs(a_im) * x_max, frac
    )


def state_wire(frac: IntArray, state_frac: IntArray, recipe: Recipe) -> Wire:
    """The wire of the states, its frac lowered until no state leaves 30 bits."""
    x_max = np.int64(1 << (recipe.state_bits - 1))
    frac = lower(frac, lambda f: shifted_bound(x_max, state_frac - f), "s")
    return wire(frac, recipe.wire_bits)


@dataclass(frozen=True)
class _Real:
    a: NDArray[np.complex128]
    bias: NDArray[np.complex128]

    def trace(self, drive: NDArray) -> dict[str, NDArray]:
        x = recur(self.a, drive + self.bias)
        return {"x": largest_part(x), "drive": largest_part(drive)}

    def worst(self, drive: NDArray) -> dict[str, NDArray]:
        # Either part of the drive may be that large.
        x = (np.sqrt(2) * drive + abs(self.bias)) / (1 - abs(self.a))
        return {"x": x, "drive": drive}


def quantize_recurrence(
    a_bar: ArrayLike,
    acc_frac: ArrayLike,
    bias: ArrayLike | None,
    calibration: ArrayLike | None,
    input_range: Any,
    recipe: Recipe,
) -> tuple[RecurrenceGroup, QFormat, Wire]:
    """Constants of `Recurrence.from_float`, the state's format and its wire.

    Raises
    ------
    SpecError
        When an argument does not fit, or a worst case would leave an accumulator.
    """
    a = stable(a_bar)
    n = len(a)
    acc_frac = np.broadcast_to(np.asarray(acc_frac, dtype=np.int64), n)
    zero = np.zeros(n)
    bias = real("bias", zero if bias is None else bias, (n,), np.complex128)
    system = _Real(a, bias)
    peaks, headroom = peaks_of(system, calibration, input_range, n, np.complex128)

    a_re, a_im = quantize_a(a, recipe)
    drive_max = np.ldexp(peaks["drive"], acc_frac + headroom)
    drive_max += np.ldexp(np.maximum(abs(bias.real), abs(bias.imag)), acc_frac) + 1
    if (bad := np.flatnonzero(drive_max >= ACCUMULATOR_LIMIT)).size:
        row = int(bad[0])
        raise SpecError(
            f"acc_frac, row {row}: {acc_frac[row]} lets the drive reach "
            f"{int(drive_max[row]):,}, the limit is {ACCUMULATOR_LIMIT - 1:,}"
        )
    worst, own = np.ceil(drive_max).astype(np.int64), own_bound(a_re, a_im, recipe)
    frac = lower(
        range_frac(peaks["x"], recipe.state_bits, headroom),
        lambda f: own + shifted_bound(worst, acc_frac - f),
        "x before saturation",
    )
    s = state_wire(range_frac(peaks["x"], recipe.wire_bits, headroom), frac, recipe)
    group = RecurrenceGroup(
        bias_re=Bias.quantize(bias.real, acc_frac, recipe.bias_bits).value,
        bias_im=Bias.quantize(bias.imag, acc_frac, recipe.bias_bits).value,
        k_B=acc_frac - frac,
        a_re=a_re,
        a_im=a_im,
        a_frac=recipe.a_bits - 1,
        state_bits=recipe.state_bits,
        k_x=frac - s.frac,
        bits=recipe.wire_bits,
        nonlinearity=recipe.state_nonlinearity,
    )
    return group, QFormat(recipe.state_bits, frac), s
