# SPDX-License-Identifier: BSD-3-Clause
"""What a block makes of its state-space output: the gates of S5.

With ``y`` the output of the state space, ``z = activation(y)`` and learned matrices
W (``gate``) and V (``gate_value``)::

    'half1'   z * sigmoid(W z + b)
    'half2'   y * sigmoid(W z + b)
    'full'    (V z + c) * sigmoid(W z + b)
    'none'    z

Source: the public code of S5 (Smith et al., arXiv 2208.04933), where they are called
``half_glu1``, ``half_glu2``, ``full_glu`` and ``gelu``; the full one is the gated
linear unit of Dauphin et al. (arXiv 1612.08083). Pierro et al. (arXiv 2502.01330)
deploy 'half1', and so does the integer contract. It can express 'none' too, as a
gate that is always open.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

Product = Callable[[str, Tensor], Tensor]
"""``product(name, z)`` is ``M z + b`` with the matrix M of this name and its bias."""


@dataclass(frozen=True)
class Gate:
    """A variant: the square matrices that it has, and its equation.

    Parameters
    ----------
    matrices : tuple of str
        Names of the parameters; each has a bias, ``<name>_bias``.
    equation : callable
        ``equation(product, y, z)``, all of shape (..., H); see `Product`.
    """

    matrices: tuple[str, ...]
    equation: Callable[[Product, Tensor, Tensor], Tensor]


def _half1(product: Product, y: Tensor, z: Tensor) -> Tensor:
    return z * product("gate", z).sigmoid()


def _half2(product: Product, y: Tensor, z: Tensor) -> Tensor:
    return y * product("gate", z).sigmoid()


def _full(product: Product, y: Tensor, z: Tensor) -> Tensor:
    return product("gate_value", z) * product("gate", z).sigmoid()


def _none(product: Product, y: Tensor, z: Tensor) -> Tensor:
    return z


GATES: dict[str, Gate] = {
    "half1": Gate(("gate",), _half1),
    "half2": Gate(("gate",), _half2),
    "full": Gate(("gate", "gate_value"), _full),
    "none": Gate((), _none),
}
"""Gates by name."""
