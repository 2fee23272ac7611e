# SPDX-License-Identifier: BSD-3-Clause
"""Muon: momentum whose singular values are brought to one, for matrices.

Adam scales every weight by itself. A gradient of a matrix has few large singular
values and many small ones, and Muon takes all directions alike (K. Jordan 2024;
Liu et al., arXiv 2502.16982, whose scaling lets AdamW's rates be kept).
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

# Of the quintic iteration X <- a X + (b A + c A A) X with A = X X^T. It does not
# converge to singular values of one but brings them near it in five products.
_A, _B, _C = 3.4445, -4.7750, 2.0315
_ITERATIONS = 5

# Root mean square of an update of AdamW in practice, in units of the rate.
_RMS = 0.2


def orthogonalised(matrix: Tensor, dtype: torch.dtype | None = None) -> Tensor:
    """Singular values brought near one, singular vectors kept.

    Parameters
    ----------
    matrix : Tensor, shape (..., m, n)
        Several at once cost less than one after the other.
    dtype : torch.dtype, optional
        Of the products; None computes in the type of `matrix`.

    Returns
    -------
    Tensor, shape (..., m, n)
        Singular values between about 0.7 and 1.2 where those of `matrix` exceed some
        thousandths of its norm.
    """
    norm = torch.linalg.vector_norm(matrix, dim=(-2, -1), keepdim=True)
    x = _wide(matrix / (norm + 1e-7)).to(dtype or matrix.dtype)
    x = x.reshape(-1, *x.shape[-2:])
    for _ in range(_ITERATIONS):
        square = x @ x.mT
        factor = torch.baddbmm(square, square, square, beta=_B, alpha=_C)
        x = torch.baddbmm(x, factor, x, beta=_A)
    x = x.to(matrix.dtype)
    return (x.mT if _is_tall(matrix) else x).reshape(matrix.shape)


def _is_tall(matrix: Tensor) -> bool:
    return matrix.shape[-2] > matrix.shape[-1]


def _wide(matrix: Tensor) -> Tensor:
    """The matrix, or its transpose, with no more rows than columns."""
    return matrix.mT if _is_tall(matrix) else matrix


def _alike(parameters: list[Tensor]) -> Iterable[list[Tensor]]:
    """Those that have gradients, by shape; a matrix and its transpose are of one."""
    found: dict[tuple, list[Tensor]] = {}
    for p in parameters:
        if p.grad is not None:
            found.setdefault((_wide(p).shape, p.dtype, p.device), []).append(p)
    return found.values()


class Muon(torch.optim.AdamW):
    """Muon for the groups with ``muon=True``, AdamW for the others.

    Entries whose gradient is exactly zero, those of pruned weights, do not move: the
    product of full matrices would let them drift, and come back at the next mask
    update with whatever they have become. The root mean square of what moves is
    0.2 times the rate, whatever the mask.

    Parameters
    ----------
    params : list of dict
        Groups. Of those with ``muon=True``, ``lr``, ``weight_decay`` and ``momentum``
        count, and all parameters are matrices.
    betas : tuple of float
        Of AdamW.
    momentum : float
        Default of the groups.
    """

    def __init__(
        self,
        params: list[dict],
        betas: tuple[float, float] = (0.9, 0.999),
        momentum: float = 0.95,
    ) -> None:
        groups = [{"muon": False, "momentum": momentum, **group} for group in params]
        super().__init__(groups, betas=betas, foreach=True)

    @torch.no_grad()
    def step(self, closure=None):
        """One step; gradients of the matrices are used up."""
        if closure is not None:
            raise ValueError("closure: Muon takes none")
        for group in self.param_groups:
            if group["muon"]:
                for parameters in _alike(group["params"]):
                    self._step_matrices(parameters, group)
        return super().step()

    def _step_matrices(self, parameters: list[Tensor], group: dict) -> None:
        share, lr = group["momentum"], group["lr"]
        ahead, moves = [], []
        for parameter in parameters:
            gradient, state = parameter.grad, self.state[parameter]
            assert gradient is not None  # `_alike` has left those out
            if not state:
                # AdamW expects a count in every state that it loads.
                state["step"] = torch.zeros(())
                state["momentum"] = torch.zeros_like(parameter)
            state["step"] += 1
            momentum = state["momentum"].lerp_(gradient, 1 - share)
            ahead.append(_wide(gradient.lerp(momentum, share)))  # as Nesterov does
            moves.append(_wide(gradient != 0))
            parameter.grad = None  # AdamW leaves it alone
        short = torch.bfloat16 if ahead[0].dtype == torch.float32 else None
        update, moving = orthogonalised(torch.stack(ahead), short), torch.stack(moves)
        update *= moving
        size = update.square().sum((1, 2)) / moving.sum((1, 2)).clamp_min(1)
        update *= (lr * _RMS / size.sqrt().clamp_min(1e-12))[:, None, None]
        for parameter, change in zip(parameters, update, strict=True):
            back = change.mT if _is_tall(parameter) else change
            parameter.mul_(1 - lr * group["weight_decay"]).sub_(back)
