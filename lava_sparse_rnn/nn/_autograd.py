# SPDX-License-Identifier: BSD-3-Clause
"""Own gradients: how functions with a `backward` of their own are called and end."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, cast

import torch
from torch import Tensor


def call(function: type[torch.autograd.Function], *arguments: object) -> Tensor:
    """``function.apply(*arguments)``, whose result torch leaves untyped."""
    return cast(Tensor, function.apply(*arguments))


class _NoSecond(torch.autograd.Function):
    """A gradient that passes as it is and cannot be differentiated again."""

    @staticmethod
    def forward(ctx, name, x, *depends_on):
        ctx.name = name
        return x.view_as(x)

    @staticmethod
    def backward(ctx, grad):
        raise RuntimeError(
            f"{ctx.name} has no second derivative: its gradient is computed in place. "
            "Gradient penalties and Hessian products need another implementation"
        )


def first_order(backward: Callable[..., Any]) -> Callable[..., Any]:
    """A `backward`, returning a tuple, whose gradients refuse another derivative.

    Without it a second derivative is an inner error of torch, or wrong: what is
    saved in between counts as constant.
    """

    @functools.wraps(backward)
    def once(ctx: Any, *grads: Any) -> Any:
        with torch.no_grad():
            found = backward(ctx, *grads)
        involved = (*grads, *ctx.saved_tensors)
        depends_on = [x for x in involved if x is not None and x.requires_grad]
        if not torch.is_grad_enabled() or not depends_on:
            return found
        name = backward.__qualname__.split(".")[0].strip("_")
        return tuple(
            _NoSecond.apply(name, x, *depends_on) if isinstance(x, Tensor) else x
            for x in found
        )

    return once
