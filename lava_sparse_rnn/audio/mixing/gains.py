# SPDX-License-Identifier: BSD-3-Clause
"""Filters as factors of a spectrum.

Real gains are held twice, for the real and the imaginary part of each bin: a product of
two plain arrays takes a third of the time that one of a complex and a real array does.
"""

from __future__ import annotations

import numpy as np

Gains = np.ndarray
"""float32 (2 * bins,), each gain twice; or complex64 (bins,)."""


def twice(gains: np.ndarray) -> Gains:
    """Real gains (bins,) as they are held here."""
    return np.repeat(gains.astype(np.float32), 2)


def times(
    spectrum: np.ndarray, gains: Gains, out: np.ndarray | None = None
) -> np.ndarray:
    """The product of a spectrum and gains that have at least as many bins.

    Parameters
    ----------
    spectrum : ndarray
        complex64 (bins,), contiguous.
    gains : ndarray
        Real or complex, see `Gains`.
    out : ndarray, optional
        complex64 (bins,).
    """
    if out is None:
        out = np.empty_like(spectrum)
    if np.iscomplexobj(gains):
        return np.multiply(spectrum, gains[: len(spectrum)], out=out)
    real = spectrum.view(np.float32)
    np.multiply(real, gains[: len(real)], out=out.view(np.float32))
    return out


def product(gains: Gains | None, more: Gains) -> Gains:
    """One filter after another; the first may be none."""
    if gains is None:
        return more
    if np.iscomplexobj(more):
        return times(more, gains)
    return times(gains, more) if np.iscomplexobj(gains) else gains * more
