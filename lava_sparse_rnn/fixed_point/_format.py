# SPDX-License-Identifier: BSD-3-Clause
"""Number formats: how many bits, and where the binary point is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lava_sparse_rnn.fixed_point._brief import Brief, span
from lava_sparse_rnn.fixed_point._checks import as_array, check_whole
from lava_sparse_rnn.fixed_point._errors import SpecError
from lava_sparse_rnn.fixed_point._ops import saturate

# Kind of a numpy type to a test of which values int64 does not hold exactly.
_UNFIT: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "b": lambda x: np.zeros(x.shape, bool),
    "i": lambda x: x == np.iinfo(np.int64).min,
    "u": lambda x: x >= np.uint64(1 << 63),
    "f": lambda x: ~(np.abs(x) < np.float64(2.0**63)) | (x != np.rint(x)),
}

MAX_BITS = 32
"""The widest register or message that any part of the chip has."""


class Immutable(Brief):
    """Base of frozen dataclasses that hold arrays.

    A copy and what is read from a pickle are made by the constructor: checked anew,
    and their arrays as read-only as they were.
    """

    def __reduce__(self) -> tuple[Any, ...]:
        made_of = (f.name for f in fields(self) if f.init)  # type: ignore[arg-type]
        return type(self), tuple(getattr(self, name) for name in made_of)


@dataclass(frozen=True, eq=False)
class QFormat(Immutable):
    """A signed two's-complement integer ``q`` that stands for ``q / 2**frac``.

    Parameters
    ----------
    bits : int
        Width including the sign, 2 to 32.
    frac : int or array of int, shape (n,)
        Position of the binary point, one for all or one per element. It may be
        negative or larger than ``bits``.
    """

    bits: int
    frac: NDArray[np.int64]

    def __post_init__(self) -> None:
        bits = check_whole("QFormat: bits", self.bits, 2, MAX_BITS)
        object.__setattr__(self, "bits", bits)
        object.__setattr__(self, "frac", frozen_ints(self.frac, "QFormat: frac"))

    def _about(self) -> str:
        size = f" of {self.frac.size}" if self.frac.ndim else ""
        return f"{self.bits} bits, frac {span(self.frac)}{size}"

    @property
    def lowest(self) -> int:
        """The smallest integer, ``-2**(bits - 1)``."""
        return -(1 << (self.bits - 1))

    @property
    def highest(self) -> int:
        """The largest integer, ``2**(bits - 1) - 1``."""
        return (1 << (self.bits - 1)) - 1

    @property
    def magnitude(self) -> int:
        """The largest absolute value of any integer, ``2**(bits - 1)``."""
        return 1 << (self.bits - 1)

    def quantize(self, x: ArrayLike) -> NDArray[np.int64]:
        """Integers that stand for the real values ``x``; see `quantize`."""
        return quantize(x, self)

    def dequantize(self, q: ArrayLike) -> NDArray[np.float64]:
        """Real values of the integers ``q`` (last axis of `frac`'s length)."""
        return np.ldexp(np.asarray(q, dtype=np.float64), -self.frac)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, QFormat):
            return NotImplemented
        return self.bits == other.bits and np.array_equal(self.frac, other.frac)


def quantize(x: ArrayLike, fmt: QFormat) -> NDArray[np.int64]:
    """Round ``x * 2**frac`` half to even, then saturate.

    Parameters
    ----------
    x : array of float, shape (..., n)
    fmt : QFormat
        With a scalar `frac`, or one per element of the last axis.

    Returns
    -------
    array of int64, shape of ``x``

    Raises
    ------
    SpecError
        When ``x`` is not of real numbers, or holds a NaN or an infinity; the message
        names the place.
    """
    x = as_array("quantize", x)
    if x.dtype.kind not in _UNFIT:  # numpy would drop imaginary parts, and read text
        raise SpecError(f"quantize: values must be real numbers, got {x.dtype}")
    x = x.astype(np.float64)
    finite = np.isfinite(x)
    if not finite.all():
        where = tuple(int(i) for i in np.argwhere(~finite)[0])
        raise SpecError(f"quantize: value at {where} is {x[where]}, must be finite")
    # Clamping in floating point first keeps values beyond int64 well defined.
    scaled = np.clip(np.rint(np.ldexp(x, fmt.frac)), -(2.0**62), 2.0**62)
    return saturate(scaled.astype(np.int64), fmt.bits)


def frozen_ints(values: ArrayLike, name: str) -> NDArray[np.int64]:
    """A read-only int64 copy of ``values``.

    Raises
    ------
    SpecError
        When a value is not a whole number or not below 2**63 in absolute value;
        ``name`` says whose.
    """
    array = as_array(name, values)
    if array.dtype.kind not in _UNFIT:
        raise SpecError(f"{name}: values must be whole numbers, got {array.dtype}")
    unfit = _UNFIT[array.dtype.kind](array)
    if unfit.any():
        where = tuple(int(i) for i in np.argwhere(unfit)[0])
        raise SpecError(
            f"{name}: values must be whole numbers below 2**63 in absolute value, "
            f"the one at {where} is {array[where]} ({array.dtype})"
        )
    array = array.astype(np.int64)  # a copy, also of what is that already
    array.setflags(write=False)
    return array
