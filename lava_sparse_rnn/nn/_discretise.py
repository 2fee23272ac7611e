# SPDX-License-Identifier: BSD-3-Clause
"""From the continuous diagonal system to one step per token.

``x' = Lambda x + B u`` becomes ``x_t = a_bar x_{t-1} + (f B) u_t``, with one complex
``a_bar`` and ``f`` per state.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

Parts = tuple[Tensor, Tensor, Tensor, Tensor]
"""Real and imaginary part of ``a_bar`` and of ``f``, each of shape (N,)."""


def zero_order_hold(re: Tensor, im: Tensor, dt: Tensor) -> Parts:
    """``a_bar = exp(Lambda dt)``, ``f = (a_bar - 1) / Lambda``: input held for a step.

    Parameters
    ----------
    re, im : Tensor, shape (N,)
        Lambda, not 0.
    dt : Tensor, shape (N,)
        Step, in units of one token.
    """
    radius = (re * dt).exp()
    a_re, a_im = radius * (im * dt).cos(), radius * (im * dt).sin()
    # (a_bar - 1) / Lambda = (a_bar - 1) * conj(Lambda) / |Lambda|^2
    norm = re * re + im * im
    f_re = ((a_re - 1) * re + a_im * im) / norm
    f_im = (a_im * re - (a_re - 1) * im) / norm
    return a_re, a_im, f_re, f_im


def bilinear(re: Tensor, im: Tensor, dt: Tensor) -> Parts:
    """``a_bar = (1 + h Lambda) / (1 - h Lambda)``, ``f = dt / (1 - h Lambda)``.

    With ``h = dt / 2``: Tustin's rule, the trapezium of the integral. Parameters as
    in `zero_order_hold`; Lambda may be 0.
    """
    h = dt / 2
    over, under, q = 1 + h * re, 1 - h * re, h * im
    norm = under * under + q * q
    a_re, a_im = (over * under - q * q) / norm, 2 * q / norm
    return a_re, a_im, dt * under / norm, dt * q / norm


DISCRETISATIONS: dict[str, Callable[[Tensor, Tensor, Tensor], Parts]] = {
    "zoh": zero_order_hold,
    "bilinear": bilinear,
}
"""Discretisations by name (both as in Smith et al., arXiv 2208.04933, section 2)."""
