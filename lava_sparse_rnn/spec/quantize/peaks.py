# SPDX-License-Identifier: BSD-3-Clause
"""How large everything gets, over data or in the worst case."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lava_sparse_rnn.fixed_point import SpecError
from lava_sparse_rnn.spec._tensors import Wire
from lava_sparse_rnn.spec.quantize.formats import (
    IntArray,
    RealArray,
    range_frac,
    wire,
)
from lava_sparse_rnn.spec.recipe import Recipe

HEADROOM = 1
"""Bits above what the data of a calibration reach: 1 saturation in 80 mixes."""

Peaks = dict[str, NDArray[np.float64]]
"""Largest magnitude of every neuron in real units, shape (n,), by tensor."""


def peak_frac(peaks: Peaks, name: str, bits: int, headroom: int) -> IntArray:
    """Largest frac with which a tensor's peaks and their headroom fit, shape (n,).

    Raises
    ------
    SpecError
        When the peaks are missing, or one is negative or not finite.
    """
    if name not in peaks:
        raise SpecError(f"peaks: those of {name} are missing")
    peak = np.asarray(peaks[name])
    peak = magnitudes(f"peaks of {name}", peak, peak.size)
    return range_frac(peak, bits, headroom)


def peak_wire(peaks: Peaks, name: str, recipe: Recipe, headroom: int) -> Wire:
    """The wire of a tensor whose format only its peaks decide; see `peak_frac`."""
    bits = recipe.wire_bits
    return wire(peak_frac(peaks, name, bits, headroom), bits)


def each(name: str, value: ArrayLike, n: int, dtype: type) -> NDArray:
    """``value`` for each of ``n`` neurons, given as one number or as ``n``.

    Raises
    ------
    SpecError
        When it has another shape.
    """
    try:
        return np.broadcast_to(np.asarray(value, dtype=dtype), n)
    except ValueError as error:
        text = f"shape {np.shape(value)}, must be () or ({n},)"
        raise SpecError(f"{name}: {text}") from error


def magnitudes(name: str, value: ArrayLike, n: int) -> NDArray[np.float64]:
    """Largest magnitudes of ``n`` neurons, given as one number or one for each.

    Raises
    ------
    SpecError
        When one is negative or not finite.
    """
    found = each(name, value, n, np.float64)
    if (bad := np.flatnonzero(~(np.isfinite(found) & (found >= 0)))).size:
        row = int(bad[0])
        text = f"{found[row]}, must be finite and 0 or more"
        raise SpecError(f"{name}, row {row}: {text}")
    return found


def peaks_of(
    system: Any,
    calibration: Any,
    input_range: Any,
    n: int,
    dtype: Any = np.float64,
    names: tuple[str, ...] = (),
) -> tuple[Peaks, int]:
    """Peaks of a real system, and the bits of headroom that they need.

    Parameters
    ----------
    system
        Has ``trace(u)``, arrays (T, n) by name, and ``worst(u_max)``, arrays (n,).
    calibration : array of ``dtype``, shape (T, n), or None
    input_range : float or array of float, shape (n,), or None
        Largest magnitude of each input.
    n : int
    dtype : type
    names : tuple of str
        Of the inputs, for a system that has several or a named one; both arguments
        are tuples then if there are several, and the inputs' peaks are in the result.

    Returns
    -------
    peaks : dict of array
    headroom : int

    Raises
    ------
    SpecError
        When not exactly one of the two is given, or it does not fit.
    """
    if (calibration is None) == (input_range is None):
        raise SpecError("give either calibration or input_range")
    label = "input_range" if calibration is None else "calibration"
    given = input_range if calibration is None else calibration
    given = given if len(names) > 1 else (given,)
    if not isinstance(given, tuple | list) or len(given) != max(len(names), 1):
        raise SpecError(f"{label}: must be a tuple of {', '.join(names)}")
    labels = [f"{label} of {name}" for name in names] or [label]
    named = zip(labels, given, strict=True)
    if calibration is None:
        ranges = [np.array(magnitudes(name, value, n)) for name, value in named]
        return dict(zip(names, ranges, strict=False)) | system.worst(*ranges), 0
    data = [real(name, value, (None, n), dtype) for name, value in named]
    if len({len(values) for values in data}) > 1:
        raise SpecError(f"{label}: {', '.join(names)} must have as many rows each")
    found = dict(zip(names, data, strict=False)) | system.trace(*data)
    return {name: abs(v).max(axis=0) for name, v in found.items()}, HEADROOM


def real(
    name: str, value: ArrayLike, shape: tuple[int | None, ...], dtype: Any = np.float64
) -> NDArray:
    """``value`` as finite numbers of a shape (None: any length), or an error."""
    array = np.asarray(value)
    if array.dtype.kind == "c" and dtype is np.float64:
        raise SpecError(f"{name}: is complex, must be real")
    array = array.astype(dtype)
    expected = "(" + ", ".join("T" if n is None else str(n) for n in shape) + ")"
    if array.ndim != len(shape) or any(
        n not in (None, m) for n, m in zip(shape, array.shape, strict=True)
    ):
        raise SpecError(f"{name}: shape {array.shape}, must be {expected}")
    if array.shape[0] == 0 or not np.isfinite(array).all():
        raise SpecError(f"{name}: must hold finite numbers")
    return array


def stable(a_bar: ArrayLike) -> NDArray[np.complex128]:
    """``a_bar``, shape (n,), or an error if a state would grow without end."""
    a = np.atleast_1d(np.asarray(a_bar, dtype=np.complex128))
    a = real("a_bar", a, (len(a.ravel()),), np.complex128)
    if (bad := np.flatnonzero(abs(a) >= 1)).size:
        row = int(bad[0])
        raise SpecError(f"a_bar, row {row}: |{a[row]:.6g}| must be below 1")
    return a


def recur(
    a: NDArray[np.complex128], drive: NDArray[np.complex128]
) -> NDArray[np.complex128]:
    """States ``x_t = a x_(t-1) + drive_t`` from zero, shape (T, n)."""
    x, states = np.zeros_like(a), np.empty_like(drive)
    for t, drive_t in enumerate(drive):
        states[t] = x = a * x + drive_t
    return states


def largest_part(x: NDArray[np.complex128]) -> NDArray[np.float64]:
    """The larger one of the magnitudes of real and imaginary part."""
    return np.maximum(abs(x.real), abs(x.imag))


def gated(g: RealArray, z: RealArray, u: RealArray) -> RealArray:
    """A gate's answers ``relu(z sigmoid(g) + u)``."""
    return np.maximum(z * np.exp(-np.logaddexp(0, -g)) + u, 0)
