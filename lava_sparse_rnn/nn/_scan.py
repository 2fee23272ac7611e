# SPDX-License-Identifier: BSD-3-Clause
"""Diagonal complex linear recurrence ``x_t = a * x_{t-1} + b_t``, in real arithmetic.

The scan has two levels. Time is cut into chunks; all chunks run their short
sequential loop side by side (one vector operation handles a time step of every
chunk, every batch element and every state), then the end of a chunk is carried
into the next one, and ``a**(k + 1) * carry`` is added to step ``k`` of a chunk.
Everything happens in place on two real tensors, without an autograd graph: the
backward pass is the same scan run backwards with ``conj(a)``. It runs on the device
of its arguments, in about ``2 sqrt(T)`` dependent steps.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import torch
from torch import Tensor
from torch.nn import functional

from lava_sparse_rnn.fixed_point import choose
from lava_sparse_rnn.nn._autograd import (
    call,
    check_not_traced,
    first_order,
    in_graph,
)

# A chunk of about sqrt(T) steps balances the two sequential loops; below 8 and
# above 32 the loop overhead or the cache misses grow.
_CHUNKS = (20, 16, 24, 15, 18, 25, 12, 21, 22, 14, 10, 30, 32, 28, 27, 8, 9)


def _chunk_length(steps: int) -> int:
    """Longest well-shaped divisor of `steps`, or ``steps`` itself."""
    for length in _CHUNKS:
        if steps % length == 0:
            return length
    return steps


def _powers(a_re: Tensor, a_im: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """``a**1 .. a**count`` as two tensors of shape (count, N)."""
    p_re, p_im = [a_re], [a_im]
    for _ in range(count - 1):
        re, im = p_re[-1], p_im[-1]
        p_re.append(re * a_re - im * a_im)
        p_im.append(re * a_im + im * a_re)
    return torch.stack(p_re), torch.stack(p_im)


def _accumulate(x_re, x_im, a_re, a_im, p_re, p_im) -> None:
    """``x += a * p`` for complex x, a, p given as real pairs, in place."""
    x_re.addcmul_(a_re, p_re).addcmul_(a_im, p_im, value=-1.0)
    x_im.addcmul_(a_re, p_im).addcmul_(a_im, p_re)


def scan_(
    a_re: Tensor, a_im: Tensor, x_re: Tensor, x_im: Tensor, reverse: bool = False
) -> None:
    """Run the recurrence in place; on entry `x` holds the drive.

    Parameters
    ----------
    a_re, a_im : Tensor, shape (N,)
        Diagonal of the state matrix.
    x_re, x_im : Tensor, shape (T, B, N), contiguous
        Drive on entry, states on return.
    reverse : bool
        Run from the last step to the first (``x_t = a * x_{t+1} + b_t``).
    """
    steps = x_re.shape[0]
    if steps == 0:
        return
    length = _chunk_length(steps)
    padded = steps
    if length == steps and steps > 40:
        # No divisor fits. The tail shorter than a chunk is done step by step.
        length = 20
        padded = steps - steps % length
    if reverse:
        head, body = (x_re[padded:], x_im[padded:]), (x_re[:padded], x_im[:padded])
        _scan_tail(a_re, a_im, *head, start=None, reverse=True)
        if padded < steps:
            _accumulate(
                x_re[padded - 1], x_im[padded - 1], a_re, a_im, x_re[padded],
                x_im[padded],
            )  # fmt: skip
        _scan_chunks(a_re, a_im, *body, length, reverse=True)
        return
    _scan_chunks(a_re, a_im, x_re[:padded], x_im[:padded], length, reverse=False)
    start = (x_re[padded - 1], x_im[padded - 1])
    _scan_tail(a_re, a_im, x_re[padded:], x_im[padded:], start, reverse=False)


def _scan_tail(a_re, a_im, x_re, x_im, start, reverse) -> None:
    """Sequential scan of a few steps, from `start` (a state) if it is given."""
    order = range(x_re.shape[0])
    last = start
    for t in reversed(order) if reverse else order:
        if last is not None:
            _accumulate(x_re[t], x_im[t], a_re, a_im, *last)
        last = (x_re[t], x_im[t])


def _scan_chunks(a_re, a_im, x_re, x_im, length, reverse) -> None:
    """Two-level scan over a number of steps that `length` divides."""
    steps, batch, n = x_re.shape
    chunks = steps // length
    flat = batch * n
    v_re, v_im = (x.view(chunks, length, flat) for x in (x_re, x_im))
    p_re, p_im = (
        p[:, None, :].expand(length, batch, n).reshape(length, flat)
        for p in _powers(a_re, a_im, length)
    )
    order = list(range(length))
    if reverse:
        order.reverse()
    r, i = v_re.unbind(1), v_im.unbind(1)
    a_r, a_i = p_re[0], p_im[0]
    for before, now in pairwise(order):
        _accumulate(r[now], i[now], a_r, a_i, r[before], i[before])
    if chunks == 1:
        return
    # Carries: the true end of each chunk, one after the other.
    end_re, end_im = r[order[-1]].clone(), i[order[-1]].clone()
    e_re, e_im = end_re.unbind(0), end_im.unbind(0)
    chain = list(range(chunks))
    if reverse:
        chain.reverse()
    last_re, last_im = p_re[-1], p_im[-1]
    for before, now in pairwise(chain):
        _accumulate(e_re[now], e_im[now], last_re, last_im, e_re[before], e_im[before])
    # The carry reaches step k of the next chunk multiplied by a**(k + 1).
    if reverse:
        p_re, p_im = p_re.flip(0), p_im.flip(0)
        into, source = slice(None, -1), slice(1, None)
    else:
        into, source = slice(1, None), slice(None, -1)
    _accumulate(
        v_re[into], v_im[into], p_re, p_im,
        end_re[source].unsqueeze(1), end_im[source].unsqueeze(1),
    )  # fmt: skip


def _real_gate(re: Tensor, im: Tensor) -> tuple[Tensor, Tensor]:
    passes = re > 0
    # (re == 0 and im > 0) passes too; in floating point it is the first token
    # of a state without drive, so the check is cheap to skip when it is rare.
    # Elsewhere than on a CPU, asking would wait for the device; a graph cannot ask.
    zero = re == 0
    if zero.device.type != "cpu" or in_graph() or bool(zero.any()):
        passes |= zero & (im > 0)
    return passes, passes


def _split(re: Tensor, im: Tensor) -> tuple[Tensor, Tensor]:
    return re > 0, im > 0


def _none(re: Tensor, im: Tensor) -> tuple[None, None]:
    return None, None


NONLINEARITIES: dict[str, Callable] = {
    "real_gate": _real_gate,
    "split": _split,
    "none": _none,
}
"""State nonlinearities: each gives the boolean masks of what passes (re, im)."""


class _GatedScan(torch.autograd.Function):
    """Scan and state nonlinearity, see `gated_scan`."""

    @staticmethod
    def forward(ctx, a_re, a_im, drive, nonlinearity):
        n = a_re.numel()
        dtype = a_re.dtype
        shape = (*drive.shape[:-1], n)
        x_re = drive.new_empty(shape, dtype=dtype).copy_(drive[..., :n])
        x_im = drive.new_empty(shape, dtype=dtype).copy_(drive[..., n:])
        scan_(a_re, a_im, x_re, x_im)
        m_re, m_im = NONLINEARITIES[nonlinearity](x_re, x_im)
        ctx.save_for_backward(a_re, a_im, x_re, x_im, m_re, m_im)
        out = torch.empty_like(drive, memory_format=torch.contiguous_format)
        _masked_copy(out[..., :n], x_re, m_re)
        _masked_copy(out[..., n:], x_im, m_im)
        return out

    @staticmethod
    @first_order
    def backward(ctx, grad):
        a_re, a_im, x_re, x_im, m_re, m_im = ctx.saved_tensors
        n = a_re.numel()
        g_re, g_im = torch.empty_like(x_re), torch.empty_like(x_im)
        _masked_copy(g_re, grad[..., :n], m_re)
        _masked_copy(g_im, grad[..., n:], m_im)
        scan_(a_re, -a_im, g_re, g_im, reverse=True)
        # dL/da = sum_t conj(x_{t-1}) * g_t
        now_re, now_im = g_re[1:], g_im[1:]
        old_re, old_im = x_re[:-1], x_im[:-1]
        scratch = now_re * old_re
        grad_a_re = scratch.addcmul_(now_im, old_im).sum((0, 1))
        torch.mul(now_im, old_re, out=scratch)
        grad_a_im = scratch.addcmul_(now_re, old_im, value=-1.0).sum((0, 1))
        grad_drive = torch.empty_like(grad, memory_format=torch.contiguous_format)
        grad_drive[..., :n].copy_(g_re)
        grad_drive[..., n:].copy_(g_im)
        return grad_a_re, grad_a_im, grad_drive, None


def gate_states(re: Tensor, im: Tensor, nonlinearity: str) -> Tensor:
    """Gated states of a single step, real parts first: (..., N) to (..., 2 N).

    Parameters
    ----------
    re, im : Tensor, shape (..., N)
    nonlinearity : str
        Name in `NONLINEARITIES`.
    """
    m_re, m_im = NONLINEARITIES[nonlinearity](re, im)
    out = torch.cat([re, im], dim=-1)
    return out if m_re is None else out * torch.cat([m_re, m_im], dim=-1)


def _masked_copy(out: Tensor, x: Tensor, mask: Tensor | None) -> None:
    """``out = x * mask`` with conversion to the type of `out`."""
    out.copy_(x)
    if mask is not None:
        out.mul_(mask)


def gated_scan(
    a_re: Tensor, a_im: Tensor, drive: Tensor, nonlinearity: str = "none"
) -> Tensor:
    """Diagonal complex linear recurrence followed by the state nonlinearity.

    Parameters
    ----------
    a_re, a_im : Tensor, shape (N,)
        Diagonal of the discretised state matrix; their type is the type in which
        the recurrence is computed.
    drive : Tensor, shape (T, B, 2 N)
        ``B_bar u``, real parts first. May be of lower precision than `a_re`.
    nonlinearity : {'real_gate', 'split', 'none'}
        See `NONLINEARITIES`.

    Returns
    -------
    Tensor, shape (T, B, 2 N)
        Gated states in the type of `drive`, real parts first.

    Raises
    ------
    ValueError
        If the shapes disagree or the nonlinearity is unknown.
    """
    if drive.dim() != 3 or drive.shape[-1] != 2 * a_re.numel():
        raise ValueError(
            f"drive has shape {tuple(drive.shape)}; expected (T, B, "
            f"{2 * a_re.numel()}) for {a_re.numel()} complex states"
        )
    choose("state_nonlinearity", nonlinearity, NONLINEARITIES)
    check_not_traced()
    if torch.compiler.is_compiling():
        return _plain_scan(a_re, a_im, drive, nonlinearity)
    return call(_GatedScan, a_re, a_im, drive, nonlinearity)


def _plain_scan(a_re: Tensor, a_im: Tensor, drive: Tensor, nonlinearity: str) -> Tensor:
    """`gated_scan` for compilers: out of place, in few operations, derived by torch.

    Every step adds what happened as long ago as is already summed (Hillis and Steele,
    1986): after ``k`` of them a state knows its last ``2**k`` drives.
    """
    re, im = (x.to(a_re.dtype) for x in drive.chunk(2, dim=-1))
    reach, steps = 1, drive.shape[0]
    while reach < steps:
        old_re, old_im = (
            functional.pad(x[:-reach], (0, 0, 0, 0, reach, 0)) for x in (re, im)
        )
        re, im = (
            re + a_re * old_re - a_im * old_im,
            im + a_re * old_im + a_im * old_re,
        )
        a_re, a_im = a_re * a_re - a_im * a_im, 2 * a_re * a_im
        reach *= 2
    return gate_states(re, im, nonlinearity).to(drive.dtype)
