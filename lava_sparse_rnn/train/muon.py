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

from lava_sparse_rnn.nn import loops
from lava_sparse_rnn.nn.precision import short_type

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
    x = (matrix / (norm + 1e-7)).to(dtype or matrix.dtype)
    x = _iterated(x.reshape(-1, *x.shape[-2:]))
    return x.to(matrix.dtype).reshape(matrix.shape)


def _iterated(x: Tensor) -> Tensor:
    """`orthogonalised` of matrices (k, m, n) of norm 1."""
    tall = x.shape[1] > x.shape[2]
    for _ in range(_ITERATIONS):
        square = x.mT @ x if tall else x @ x.mT
        factor = torch.baddbmm(square, square, square, beta=_B, alpha=_C)
        x = torch.baddbmm(x, *((x, factor) if tall else (factor, x)), beta=_A)
    return x


def _alike(parameters: list[Tensor]) -> Iterable[list[Tensor]]:
    """Those that have gradients, by shape."""
    found: dict[tuple, list[Tensor]] = {}
    for p in parameters:
        if p.grad is not None:
            found.setdefault((p.shape, p.dtype, p.device), []).append(p)
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
        gradients, momenta = [], []
        for parameter in parameters:
            state = self.state[parameter]
            if not state:
                # AdamW expects a count in every state that it loads.
                state["step"] = torch.zeros(())
                state["momentum"] = torch.zeros_like(parameter)
            state["step"] += 1
            momenta.append(state["momentum"])
            gradients.append(parameter.grad)
            parameter.grad = None  # AdamW leaves it alone
        first = parameters[0]
        short = first.dtype
        if short == torch.float32:
            short = short_type(first.device.type)
        tensors = (*parameters, *gradients, *momenta)
        plain = not (
            loops.available(first.dtype, short)
            and all(t.device.type == "cpu" and t.is_contiguous() for t in tensors)
        )
        (_moved if plain else _moved_by_loops)(
            parameters, gradients, momenta, short, group
        )


def _moved(
    parameters: list[Tensor],
    gradients: list[Tensor],
    momenta: list[Tensor],
    short: torch.dtype,
    group: dict,
) -> None:
    """A step of matrices of one shape, in place."""
    share, lr = group["momentum"], group["lr"]
    ahead = [
        g.lerp(m.lerp_(g, 1 - share), share)  # as Nesterov does
        for g, m in zip(gradients, momenta, strict=True)
    ]
    update = orthogonalised(torch.stack(ahead), short)
    moving = torch.stack(gradients) != 0
    update *= moving
    size = update.square().sum((1, 2)) / moving.sum((1, 2)).clamp_min(1)
    update *= (lr * _RMS / size.sqrt().clamp_min(1e-12))[:, None, None]
    for parameter, change in zip(parameters, update, strict=True):
        parameter.mul_(1 - lr * group["weight_decay"]).sub_(change)


def _moved_by_loops(
    parameters: list[Tensor],
    gradients: list[Tensor],
    momenta: list[Tensor],
    short: torch.dtype,
    group: dict,
) -> None:
    """`_moved` with two passes over memory beside the orthogonalisation."""
    first, lr = parameters[0], group["lr"]
    steps, count = loops.steps(first, short), first.numel()
    x = first.new_empty(len(parameters), *first.shape, dtype=short)
    moving = first.new_empty(len(parameters))
    take = loops.memory
    steps.momentum(
        count, group["momentum"], take(*gradients), take(*momenta), take(x, moving)
    )
    products = loops.products() if short == torch.bfloat16 else None
    if products is None:
        x = _iterated(x).contiguous()
    else:
        constants = _ITERATIONS, _A, _B, _C
        threads = torch.get_num_threads()
        products.orthogonalise(threads, *x.shape, *constants, take(x))
    keep = 1 - lr * group["weight_decay"]
    steps.moved(
        count, keep, lr * _RMS, take(*gradients), take(*parameters), take(x, moving)
    )
