# SPDX-License-Identifier: BSD-3-Clause
"""A GRU that a processor can be asked to train on long sequences.

The same equations as `torch.nn.GRU` (Cho et al., arXiv 1406.1078, with the reset gate
behind the matrix product). torch records some thirty operations for every token and
runs each of them back; here a token takes six forwards and four backwards, and what
needs no order (products with the inputs, derivatives of the gates, gradients of the
weights) is done for many tokens at once.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from lava_sparse_rnn.tasks.arrays import Arrays
from lava_sparse_rnn.train import checkpoint
from lava_sparse_rnn.train.distributed import Group

_BLOCK = 32
"""Tokens whose derivatives are kept at once: they fit a cache."""


class Gru(nn.Module):
    """A GRU and a decoder, time-major as all models are here.

    Parameters
    ----------
    d_in, hidden, d_out : int

    Attributes
    ----------
    long : bool
        Whether it takes sequences as `_States` does, which is faster, or as torch does.
    """

    long = False

    def __init__(self, d_in: int, hidden: int, d_out: int) -> None:
        super().__init__()
        self.gru = nn.GRU(d_in, hidden)  # its parameters, and how they begin
        self.decoder = nn.Linear(hidden, d_out)

    def forward(self, x: Tensor) -> Tensor:
        """Tokens (T, batch, d_in) to answers (T, batch, d_out)."""
        if not self.long:
            return self.decoder(self.gru(x)[0])
        h = _States.apply(x.transpose(1, 2), *self.gru.parameters())
        return (self.decoder.weight @ h).transpose(1, 2) + self.decoder.bias

    @property
    def size(self) -> int:
        """Parameters."""
        return sum(p.numel() for p in self.parameters())

    @classmethod
    def of_size(cls, task: Arrays, weights: int) -> Gru:
        """The largest one with at most so many parameters."""
        made = cls(task.d_in, 1, task.d_out)
        while True:
            larger = cls(task.d_in, made.gru.hidden_size + 1, task.d_out)
            if larger.size > weights:
                return made
            made = larger

    def remember(self, tokens: int) -> None:
        """Let states begin with memories of 2 to so many tokens.

        Gates that keep half of a state, as torch's begin, forget in a few tokens; see
        Tallec and Ollivier (arXiv 1804.11188).
        """
        size = self.gru.hidden_size
        with torch.no_grad():
            kept = torch.log(1 + (tokens - 2) * torch.rand(size))
            self.gru.bias_ih_l0[size : 2 * size] = kept


class _States(torch.autograd.Function):
    """States of a GRU that begins with zeros, with the parameters of torch's.

    A column is a sequence: rows of a gate lie together, and so do those of a token.
    """

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, w_x: Tensor, w_h: Tensor, b_x: Tensor, b_h: Tensor
    ) -> Tensor:
        """Of (T, d_in, batch) and `nn.GRU.parameters` the states (T, H, batch)."""
        steps, _, batch = x.shape
        size = w_h.shape[1]
        gates = w_x[: 2 * size] @ x + (b_x + b_h)[: 2 * size, None]
        news = w_x[2 * size :] @ x + b_x[2 * size :, None]
        products = b_h[2 * size :, None].expand(steps, size, batch).contiguous()
        h = x.new_zeros(steps + 1, size, batch)
        w_gates, w_new = w_h[: 2 * size], w_h[2 * size :]
        for gate, product, new, last, out in zip(
            gates, products, news, h[:-1], h[1:], strict=True
        ):
            gate.addmm_(w_gates, last).sigmoid_()
            product.addmm_(w_new, last)
            new.addcmul_(gate[:size], product).tanh_()
            torch.lerp(new, last, gate[size:], out=out)
        ctx.save_for_backward(x, gates, news, products, h, w_x, w_h)
        return h[1:]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        """See `torch.autograd.Function`; the last tokens first."""
        x, gates, news, products, h, w_x, w_h = ctx.saved_tensors
        size = w_h.shape[1]
        back = w_h.T.contiguous()
        later = torch.zeros_like(h[0])
        to_x = torch.empty_like(x) if ctx.needs_input_grad[0] else None
        sums = [torch.zeros_like(w) for w in (w_x, w_h, w_x[:, 0], w_h[:, 0])]
        for end in range(len(x), 0, -_BLOCK):
            part = slice(max(end - _BLOCK, 0), end)
            last, new, reset = h[:-1][part], news[part], gates[part, :size]
            keep, product = gates[part, size:], products[part]
            error = grads[0][part].clone()
            slope = _slopes(reset, keep, new, product, last)
            pulls = torch.empty_like(slope[:, :3]).flatten(1, 2)
            for one, by, pull, kept in reversed(
                list(zip(error, slope[:, :3], pulls, keep, strict=True))
            ):
                one += later
                torch.mul(one, by, out=pull.view(by.shape))
                torch.mul(one, kept, out=later)
                later.addmm_(back, pull)
            pulls_x = torch.cat((pulls[:, : 2 * size], error * slope[:, 3]), dim=1)
            for total, found in zip(
                sums,
                (
                    torch.einsum("tib,tjb->ij", pulls_x, x[part]),
                    torch.einsum("tib,tjb->ij", pulls, last),
                    pulls_x.sum((0, 2)),
                    pulls.sum((0, 2)),
                ),
                strict=True,
            ):
                total += found
            if to_x is not None:
                to_x[part] = w_x.T @ pulls_x
        return to_x, *sums


def _slopes(
    reset: Tensor, keep: Tensor, new: Tensor, product: Tensor, last: Tensor
) -> Tensor:
    """Of a state by what its gates and its products are made of, (T, 4, H, batch)."""
    by_new = (1 - keep) * (1 - new * new)
    by_product = by_new * reset
    by_reset = by_product * (1 - reset) * product
    by_keep = (last - new) * keep * (1 - keep)
    return torch.stack((by_reset, by_keep, by_product, by_new), dim=1)


def rate(step: int, steps: int, falling: float = 0.3) -> float:
    """Of the largest rate of learning: it rises, stays, and falls in a line to zero.

    It stays for most of a training, so that one that was stopped can go on longer,
    or be ended earlier, than it was to be.
    """
    warm = max(min(100, steps // 10), 1)
    return min((step + 1) / warm, 1.0, (steps - step) / max(falling * steps, 1))


def fit(
    model: Gru,
    task: Arrays,
    steps: int,
    every: int,
    path: Path | None = None,
    lr: float = 4e-3,
) -> int:
    """Train on a task's batches, and keep the weights of the best validation.

    Parameters
    ----------
    model : Gru
    task : Arrays
    steps : int
        Batches in all,
    every : int
        and from one look at what is watched to the next.
    path : Path, optional
        A checkpoint at every look; a training goes on from the one that is there.
    lr : float
        The largest rate of learning (AdamW, gradients clipped to a norm of 1).

    Returns
    -------
    int
        The step of the weights that were kept.
    """
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr)
    step, best, at = 0, -1.0, 0
    kept = {k: v.clone() for k, v in model.state_dict().items()}
    if path is not None and path.exists():
        tensors, state = checkpoint.read(path)
        checkpoint.restore(tensors, model, optimizer)
        step, best, at = state["step"], state["best"], state["at"]
        kept, _ = checkpoint.read(path.with_suffix(".best"))
        kept = {k[6:]: v for k, v in kept.items() if k.startswith("model.")}
    batches = task.batches(0, step, Group())
    while step < steps:
        optimizer.param_groups[0]["lr"] = lr * rate(step, steps)
        loss = task.loss(model, tuple(map(torch.from_numpy, next(batches))))
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        step += 1
        if step % every and step != steps:
            continue
        with torch.no_grad():
            found = task.validate(model)["accuracy"]
        if found > best:
            best, at = found, step
            kept = {k: v.clone() for k, v in model.state_dict().items()}
            if path is not None:
                checkpoint.save(path.with_suffix(".best"), model, None, {})
        if path is not None:
            state = {"step": step, "best": best, "at": at}
            checkpoint.save(path, model, optimizer, state)
            print(f"GRU, step {step}: watched {found:.1f}, best {best:.1f}")
    model.load_state_dict(kept)
    return at
