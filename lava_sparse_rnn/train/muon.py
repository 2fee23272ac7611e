# SPDX-License-Identifier: BSD-3-Clause
"""Muon: momentum whose singular values are brought to one, for matrices.

Adam scales every weight by itself. A gradient of a matrix has few large singular
values and many small ones, and Muon takes all directions alike (K. Jordan 2024;
Liu et al., arXiv 2502.16982, whose scaling lets AdamW's rates be kept).
"""

from __future__ import annotations

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
    matrix : Tensor, shape (m, n)
    dtype : torch.dtype, optional
        Of the products; None computes in the type of `matrix`.

    Returns
    -------
    Tensor, shape (m, n)
        Singular values between about 0.7 and 1.2 where those of `matrix` exceed some
        thousandths of its norm.
    """
    x = matrix.to(dtype or matrix.dtype)
    tall = x.shape[0] > x.shape[1]
    if tall:
        x = x.t()
    x = x / (x.norm() + 1e-7)
    for _ in range(_ITERATIONS):
        square = x @ x.t()
        x = _A * x + (_B * square + _C * (square @ square)) @ x
    return (x.t() if tall else x).to(matrix.dtype)


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
                for parameter in group["params"]:
                    self._step_matrix(parameter, group)
        return super().step()

    def _step_matrix(self, parameter: Tensor, group: dict) -> None:
        gradient = parameter.grad
        if gradient is None:
            return
        state = self.state[parameter]
        if not state:
            # AdamW expects a count in every state that it loads.
            state["step"] = torch.zeros(())
            state["momentum"] = torch.zeros_like(parameter)
        state["step"] += 1
        momentum, share = state["momentum"], group["momentum"]
        momentum.lerp_(gradient, 1 - share)
        ahead = gradient.lerp(momentum, share)  # as Nesterov does
        short = torch.bfloat16 if parameter.dtype == torch.float32 else None
        update = orthogonalised(ahead, short)
        moves = gradient != 0
        update *= moves
        size = update.square().sum() / moves.sum().clamp_min(1)
        update *= _RMS / size.sqrt().clamp_min(1e-12)
        lr = group["lr"]
        parameter.mul_(1 - lr * group["weight_decay"]).sub_(lr * update)
        parameter.grad = None  # AdamW leaves it alone
