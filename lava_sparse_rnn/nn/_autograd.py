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


def uncompiled(forward: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """A `forward` on integers, which ``torch.compile`` leaves as it is.

    torch.export follows it with ``strict=False``. Where torch may not leave anything
    as it is, its error shows the line of `as_is` below, comment included.
    """

    @functools.wraps(forward)
    def run(*arguments: Any, **options: Any) -> Tensor:
        check_not_traced()
        as_is: Any = torch.compiler.disable(forward)  # strict=False, fullgraph=False
        # Not as a decorator: it imports the compiler, which takes seconds.
        return as_is(*arguments, **options)

    return run


_NO_SCRIPT = (
    "TorchScript (torch.jit) cannot follow the recurrence, whose loop is its own; "
    "torch.export.export can, and export_hdf5 writes a network that engine, c_export "
    "and Lava run"
)


def in_graph() -> bool:
    """Whether operations are recorded for other values than those of this moment."""
    return torch.compiler.is_compiling() or torch.jit.is_tracing()  # type: ignore[attr-defined]


def in_autocast() -> bool:
    """Whether torch chooses the types of products on a processor."""
    if hasattr(torch, "get_autocast_dtype"):  # as torch spells it from 2.4 on
        return torch.is_autocast_enabled("cpu")  # type: ignore[call-arg]
    return torch.is_autocast_cpu_enabled()


def check_not_traced() -> None:
    """Refuse ``torch.jit.trace``, which would take one length for all.

    Raises
    ------
    RuntimeError
        While it traces.
    """
    if torch.jit.is_tracing():  # type: ignore[attr-defined]
        raise RuntimeError(_NO_SCRIPT)


def refuse_script(module: object) -> None:
    """A module's ``__prepare_scriptable__``, what ``torch.jit.script`` calls first."""
    raise RuntimeError(_NO_SCRIPT)


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
