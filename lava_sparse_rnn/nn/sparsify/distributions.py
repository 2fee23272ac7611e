# SPDX-License-Identifier: BSD-3-Clause
"""How a global sparsity is spread over the matrices of a network."""

from __future__ import annotations

from collections.abc import Callable, Mapping

Shapes = Mapping[str, tuple[int, int]]


def uniform(shapes: Shapes, sparsity: float) -> dict[str, float]:
    """The same sparsity everywhere.

    Parameters
    ----------
    shapes : mapping of name to (rows, columns)
    sparsity : float
        Fraction of zeros, in [0, 1].

    Returns
    -------
    dict
        Name to sparsity.
    """
    return dict.fromkeys(shapes, sparsity)


def erdos_renyi(shapes: Shapes, sparsity: float) -> dict[str, float]:
    """Erdos-Renyi: density proportional to ``(rows + columns) / (rows * columns)``.

    Small matrices stay denser. Matrices whose density would exceed one are kept
    whole and the rest shares what remains (Mocanu et al. 2018; Evci et al., arXiv
    1911.11134, where it is called ERK for kernels).

    Parameters and returns as in `uniform`.
    """
    budget = (1 - sparsity) * sum(r * c for r, c in shapes.values())
    dense: set[str] = set()
    while True:
        rest = {name: shape for name, shape in shapes.items() if name not in dense}
        free = budget - sum(shapes[name][0] * shapes[name][1] for name in dense)
        # Nonzeros of a matrix are scale * (rows + columns).
        total = sum(r + c for r, c in rest.values())
        scale = max(free, 0.0) / total if total else 0.0
        full = {n for n, (r, c) in rest.items() if scale * (r + c) > r * c}
        if not full:
            break
        dense |= full
    result = dict.fromkeys(shapes, 0.0)
    result |= {n: 1 - scale * (r + c) / (r * c) for n, (r, c) in rest.items()}
    return result


DISTRIBUTIONS: dict[str, Callable[[Shapes, float], dict[str, float]]] = {
    "erk": erdos_renyi,
    "uniform": uniform,
}
"""Distributions by the name used in configurations."""
