# SPDX-License-Identifier: BSD-3-Clause
"""How large everything gets, over data or in the worst case."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lava_sparse_rnn.fixed_point import SpecError
from lava_sparse_rnn.spec.quantize.formats import IntArray, range_frac

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
    peak = np.asarray(peaks[name], dtype=np.float64)
    if (bad := np.flatnonzero(~(np.isfinite(peak) & (peak >= 0)))).size:
        row = int(bad[0])
        raise SpecError(
            f"peaks of {name}, row {row}: {peak[row]}, must be finite and 0 or more"
        )
    return range_frac(peak, bits, headroom)


def input_magnitudes(input_range: ArrayLike, n: int) -> NDArray[np.float64]:
    """Largest magnitudes of ``n`` inputs, given as one number or one for each."""
    u = np.broadcast_to(np.asarray(input_range, dtype=np.float64), n)
    if not (np.isfinite(u) & (u >= 0)).all():
        raise SpecError(f"input_range: {input_range}, must be finite and 0 or more")
    return u


def peaks_of(
    system: Any, calibration: Any, input_range: Any, n: int, dtype: Any = np.float64
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
        raise SpecError("from_float: give either calibration or input_range")
    if calibration is not None:
        u = real("calibration", calibration, (None, n), dtype)
        trace = system.trace(u)
        return {k: abs(v).max(axis=0) for k, v in trace.items()}, HEADROOM
    return system.worst(input_magnitudes(input_range, n)), 0


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
