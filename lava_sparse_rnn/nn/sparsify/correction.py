# SPDX-License-Identifier: BSD-3-Clause
"""Pruning in one go that makes good what the lost weights did, from typical input.

The error that a matrix makes on its inputs x is quadratic in its weights, with the
inputs' second moments ``H = E[x x^T]``. A weight is worth what its loss costs once all
others of its row have been set anew, ``w^2 / (H^-1)_jj`` (Optimal Brain Surgeon:
Hassibi and Stork, NIPS 1992). The cheapest go, and every row is solved again for
the weights that stay: least squares, exactly, where SparseGPT (Frantar and Alistarh,
arXiv 2301.00774) approximates it for matrices that are far larger.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor

from lava_sparse_rnn.fixed_point import brief, check_number, choose
from lava_sparse_rnn.nn._inputs import (
    Lengths,
    hint_of_wrapper,
    inputs_of,
    real_tokens,
    with_lengths,
)
from lava_sparse_rnn.nn.heads import HEADS
from lava_sparse_rnn.nn.network import SparseRNN
from lava_sparse_rnn.nn.s5 import STATE_MATRICES, S5Block
from lava_sparse_rnn.nn.sparsify.distributions import DISTRIBUTIONS
from lava_sparse_rnn.nn.sparsify.scores import Saliency


@torch.no_grad()
def prune_corrected(
    model: SparseRNN,
    batches: Tensor | Iterable[Tensor | Sequence[Tensor]],
    sparsity: float = 0.9,
    distribution: str = "erk",
    *,
    damping: float = 0.03,
    lengths: Lengths = None,
) -> dict[str, float]:
    """Prune a trained model at once and correct the weights that stay.

    From the encoder to the decoder, each matrix on what the pruned ones before it hand
    on. Masks and weights are set in place; biases, norms and eigenvalues stay. The real
    and imaginary parts of B and of C share their weights. Training goes on from
    there without a `Pruner`, which would choose masks anew.

    Parameters
    ----------
    model : SparseRNN
        Not pruned before. It is looked at as in evaluation.
    batches : Tensor, or iterable of Tensor, each of shape (batch, time, d_in)
        Typical input, some ten thousand tokens; of pairs, as a DataLoader gives
        them, the first is taken. All of it is kept in memory as the blocks see it,
        ``d_model`` numbers a token.
    sparsity : float
        Fraction of zeros over all matrices together, in [0, 1].
    distribution : str
        Name in `DISTRIBUTIONS`: how it is spread over the matrices; which is best
        depends on the network (docs/training.md).
    damping : float
        Added to the diagonal of the second moments, as a part of its mean, above 0:
        keeps the weights that stay from growing for what is in these batches alone.
    lengths : Tensor of int, or iterable of them or None, each (batch,), optional
        Tokens of each sequence of a batch, one entry a batch: what stands behind them
        is padding and does not count. All tokens are real if not given.

    Returns
    -------
    dict
        Name of each matrix (of B and of C one for both parts) to the energy of its
        error over that of its products on these inputs.

    Raises
    ------
    ValueError
        If `model` is no `SparseRNN`, an argument is out of range, there is no token,
        a value is not finite, or the lengths do not fit the batches.
    """
    if not isinstance(model, SparseRNN):
        raise ValueError(
            f"model is {brief(model)}; expected a nn.SparseRNN{hint_of_wrapper(model)}"
        )
    check_number("sparsity", sparsity, least=0, most=1)
    check_number("damping", damping, above=0)
    spread = choose("distribution", distribution, DISTRIBUTIONS)
    lost = spread(Saliency()(model), sparsity)
    training, dtype = model.training, model.compute_dtype
    model.eval()
    model.set_compute_dtype(None)
    try:
        return _Correction(model, lost, damping).run(batches, lengths)
    finally:
        model.set_compute_dtype(dtype)
        model.train(training)


class _Correction:
    """Walks through a model; `wires` is what its next matrix meets, by batch.

    `ends` are the lengths of a batch's sequences, `real` marks its real tokens (time,
    batch); None where all are.
    """

    def __init__(
        self, model: SparseRNN, lost: dict[str, float], damping: float
    ) -> None:
        self.model, self.lost, self.damping = model, lost, damping
        self.errors: dict[str, float] = {}
        self.ends: list[Tensor | None] = []
        self.real: list[Tensor | None] = []

    def run(
        self,
        batches: Tensor | Iterable[Tensor | Sequence[Tensor]],
        lengths: Lengths,
    ) -> dict[str, float]:
        model = self.model
        wires = self._wires(inputs_of(batches, model.d_in), lengths)
        self._affine("encoder", self._moments(wires))
        wires = [model.encode(x) for x in wires]
        for i, block in enumerate(model.blocks):
            assert isinstance(block, S5Block)  # of which SparseRNN is made
            self._block(f"blocks.{i}", block, wires)
            wires = [block(u) for u in wires]
        pairs = zip(wires, self.ends, strict=True)
        answers = [HEADS[model.head](u, ends) for u, ends in pairs]
        self._affine("decoder", self._moments(answers))
        return self.errors

    def _wires(self, batches: Iterable[Tensor], lengths: Lengths) -> list[Tensor]:
        """What the encoder meets, time first, and which of it is real."""
        like, wires = self.model.encoder, []
        for given, ends in with_lengths(batches, lengths):
            if not given.numel():
                continue
            if not bool(given.isfinite().all()):
                raise ValueError("batches have values that are not finite")
            x = given.to(like)
            ends = None if ends is None else ends.to(x.device)
            wires.append(x.transpose(0, 1).contiguous())
            self.ends.append(ends)
            self.real.append(real_tokens(x, ends))
        if not wires:
            raise ValueError("batches have no token; expected some typical input")
        return wires

    def _moments(self, wires: Iterable[Tensor]) -> Tensor:
        """Mean of ``x x^T`` over all real tokens, shape (n, n), in float64."""
        total, tokens = torch.zeros(()), 0
        for wire, real in zip(wires, self.real, strict=True):
            whole = real is None or wire.dim() == 2  # an answer a sequence
            flat = (wire.flatten(0, -2) if whole else wire[real]).double()
            total, tokens = total.to(flat) + flat.T @ flat, tokens + len(flat)
        return total / tokens

    def _affine(self, name: str, moments: Tensor) -> None:
        weight, mask = self._solve(name, (name,), getattr(self.model, name), moments)
        _put(self.model, name, weight, mask)

    def _block(self, prefix: str, block: S5Block, wires: list[Tensor]) -> None:
        scale, offset = block.norm_scale()
        moments = self._moments([scale * u + offset for u in wires])
        self._input_matrix(f"{prefix}.B", block, moments)
        self._output_matrix(
            f"{prefix}.C", block, self._moments(_seen(block, wires, "s"))
        )
        gates = [name for name in block.matrices if name not in STATE_MATRICES]
        if not gates:
            return
        moments = self._moments(_seen(block, wires, "z"))
        for name in gates:
            full = f"{prefix}.{name}"
            weight, mask = self._solve(full, (full,), getattr(block, name), moments)
            _put(block, name, weight, mask)

    def _input_matrix(self, full: str, block: S5Block, moments: Tensor) -> None:
        """B, by way of ``B_bar = f B``, each row weighed with its state's gain."""
        _, _, b_re, b_im = block.discretise()
        gain = block.state_gain().repeat(2)[:, None].to(moments)
        rows = torch.cat([b_re, b_im]).to(moments) * gain
        names = f"{full}_re", f"{full}_im"
        weight, mask = self._solve(full, names, rows, moments)
        re, im = (weight / gain).chunk(2)
        f_re, f_im = (f.to(moments)[:, None] for f in block.transition()[2:])
        size = f_re**2 + f_im**2
        _put(block, "B_re", (f_re * re + f_im * im) / size, mask.chunk(2)[0])
        _put(block, "B_im", (f_re * im - f_im * re) / size, mask.chunk(2)[1])

    def _output_matrix(self, full: str, block: S5Block, moments: Tensor) -> None:
        """C, whose two parts meet the real and the imaginary parts of the states."""
        rows = torch.cat([block.C_re, -block.C_im], dim=1)
        names = f"{full}_re", f"{full}_im"
        weight, mask = self._solve(full, names, rows, moments)
        (re, im), masks = weight.chunk(2, dim=1), mask.chunk(2, dim=1)
        _put(block, "C_re", re, masks[0])
        _put(block, "C_im", -im, masks[1])

    def _solve(
        self, full: str, names: tuple[str, ...], rows: Tensor, moments: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Weights and mask of a matrix; `names` say which shares it may keep."""
        rows = rows.detach().to(moments)
        size = rows.numel() // len(names)
        count = sum(size - round(self.lost[name] * size) for name in names)
        weight, mask = solve_rows(rows, moments, count, self.damping)
        change = rows - weight
        energy = ((rows @ moments) * rows).sum()
        error = ((change @ moments) * change).sum()
        self.errors[full] = float(error / energy) if energy > 0 else 0.0
        return weight, mask


def solve_rows(
    rows: Tensor, moments: Tensor, count: int, damping: float
) -> tuple[Tensor, Tensor]:
    """The `count` weights that are worth most, solved again row by row.

    Parameters
    ----------
    rows : Tensor, shape (m, n)
    moments : Tensor, shape (n, n)
        Second moments of what the rows meet.
    count : int
        Weights that stay, in all rows together.
    damping : float
        As in `prune_corrected`.

    Returns
    -------
    weights, mask : Tensor, shape (m, n)
        The mask is boolean.
    """
    mean = moments.diagonal().mean()
    if mean < torch.finfo(torch.float32).tiny:  # silence: what is large stays as it is
        mean = torch.ones_like(mean)
    damped = moments + damping * mean * torch.eye(len(moments)).to(moments)
    worth = rows.square() / torch.linalg.inv(damped).diagonal()
    mask = torch.zeros_like(rows, dtype=torch.bool)
    mask.view(-1)[worth.flatten().topk(count, sorted=False).indices] = True
    weights = torch.zeros_like(rows)
    goals = rows @ damped
    for row, goal, kept in zip(weights, goals, mask, strict=True):
        at = kept.nonzero().flatten()
        if len(at):
            row[at] = torch.linalg.solve(damped[at][:, at], goal[at])
    return weights, mask


def _seen(block: S5Block, wires: list[Tensor], name: str) -> Iterable[Tensor]:
    """A wire inside a block, batch by batch, see `S5Block.observer`."""
    before = block.observer, block.fused
    found: dict[str, Tensor] = {}
    block.observer, block.fused = found.__setitem__, False
    try:
        for wire in wires:
            block(wire)
            yield found[name]
    finally:
        block.observer, block.fused = before


def _put(owner: SparseRNN | S5Block, name: str, weight: Tensor, mask: Tensor) -> None:
    getattr(owner, name).copy_(weight)
    getattr(owner, f"{name}_mask").copy_(mask)
