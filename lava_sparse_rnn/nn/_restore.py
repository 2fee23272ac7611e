# SPDX-License-Identifier: BSD-3-Clause
"""From a folded network back to one that trains: the inverse of `S5Block.fold`.

A folded block knows neither its batch norm nor how long its tokens last. The function
is the same for every choice of them; what follows are choices that train well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from lava_sparse_rnn.fixed_point import shown
from lava_sparse_rnn.nn._discretise import zero_order_hold
from lava_sparse_rnn.nn._inputs import real_tokens
from lava_sparse_rnn.nn.folded import (
    FoldedAffine,
    FoldedBlock,
    FoldedNetwork,
    check_folded,
)
from lava_sparse_rnn.nn.s5 import MAX_REAL_PART, S5Block

DECAY = -0.5  # real part of HiPPO's eigenvalues
STEPS = 1e-3, 1e-1  # of their time in a token
FASTEST = 1e-6  # |a_bar| of a state that forgets at once
SLOWEST = -4e-6  # log |a_bar|; a quarter of a step still decays in float32
FAR = 0.3  # of biases that no batch norm gives, relative; fine-tunes move them by 0.2


def sizes_of(folded: FoldedNetwork) -> dict[str, int]:
    """Arguments of `SparseRNN` for its sizes.

    Raises
    ------
    ValueError
        If the network is no encoder, blocks of one size and decoder.
    """
    first, *blocks, last = folded.layers if len(folded.layers) > 2 else (None,) * 3
    kinds = [isinstance(first, FoldedAffine) and first.relu]
    kinds += [isinstance(block, FoldedBlock) for block in blocks]
    kinds += [isinstance(last, FoldedAffine) and not last.relu]
    alike = {
        (*block.B_re.shape, block.nonlinearity)
        for block in blocks
        if isinstance(block, FoldedBlock)
    }
    if not all(kinds) or len(alike) != 1:
        names = [type(layer).__name__.removeprefix("Folded") for layer in folded.layers]
        raise ValueError(
            "network: what trains is an affine encoder with a ReLU, S5 blocks of one "
            "size and state nonlinearity, and an affine decoder; this one has layers "
            f"{shown(names)}"
        )
    ((n, h, _),) = alike
    d_out = last.weights.shape[0]  # type: ignore[union-attr]
    sizes = {"d_in": folded.d_in, "d_model": h, "d_state": 2 * n, "d_out": d_out}
    return sizes | {"n_layers": len(blocks)}


def checked(folded: FoldedNetwork) -> FoldedNetwork:
    """The same on the processor, in float64.

    Raises
    ------
    ValueError
        If it is no folded network, or a value is not finite.
    """
    check_folded(folded)
    layers = []
    for i, layer in enumerate(folded.layers):
        found = {k: v for k, v in vars(layer).items() if isinstance(v, Tensor)}
        for name, value in found.items():
            if not bool(value.isfinite().all()):
                raise ValueError(f"layer {i}: {name} has values that are not finite")
        moved = {k: v.detach().cpu().double() for k, v in found.items()}
        layers.append(replace(layer, **moved))
    return replace(folded, layers=tuple(layers))


def options_of(folded: FoldedNetwork) -> dict[str, Any]:
    """Options of `SparseRNN` that its equations need."""
    rules = {"activation": "relu", "gate": "half1", "top_k": None}
    rules |= {"discretisation": "zoh", "conj_sym": True}
    return rules | {"state_nonlinearity": folded.nonlinearity}


def with_options(folded: FoldedNetwork, options: dict[str, Any]) -> dict[str, Any]:
    """Options of a user, with those that a network's equations need.

    Raises
    ------
    ValueError
        If one of the latter has another value.
    """
    fixed = options_of(folded)
    for name in fixed.keys() & options.keys():
        if options[name] != fixed[name]:
            raise ValueError(
                f"{name} is {shown(options[name])}, must be {shown(fixed[name])}, as "
                "the folded network has it"
            )
    return {**options, **fixed}


def state_of(folded: FoldedNetwork, eps: float) -> dict[str, Tensor]:
    """A state_dict of a `SparseRNN` with norms of this ``eps``.

    Raises
    ------
    ValueError
        As `block_state`.
    """
    first, *blocks, last = folded.layers
    state = {}
    for layer, name in ((first, "encoder"), (last, "decoder")):
        assert isinstance(layer, FoldedAffine)  # `sizes_of` has looked
        state |= affine_state(layer, name)
    for i, block in enumerate(blocks):
        assert isinstance(block, FoldedBlock)  # as above
        found = block_state(block, eps, f"block {i}")
        state |= {f"blocks.{i}.{name}": value for name, value in found.items()}
    return state


def affine_state(layer: FoldedAffine, name: str) -> dict[str, Tensor]:
    """Entries of a state_dict: weights, mask and bias."""
    mask = layer.weights != 0
    return {name: layer.weights, f"{name}_mask": mask, f"{name}_bias": layer.bias}


def block_state(block: FoldedBlock, eps: float, name: str) -> dict[str, Tensor]:
    """Entries of a state_dict of an `S5Block` in zero-order hold.

    Its batch norm only adds: in evaluation the function is that of `block`.

    Parameters
    ----------
    block : FoldedBlock
    eps : float
        Of the batch norm.
    name : str
        Of the block, in messages.

    Raises
    ------
    ValueError
        If the biases are none that a batch norm can have given.
    """
    re, im, dt = _continuous(block.a_re, block.a_im)
    _, _, f_re, f_im = (x[:, None] for x in zero_order_hold(re, im, dt))
    norm = f_re * f_re + f_im * f_im
    offset = _offset(block, name)
    state = {
        "lambda_re": re,
        "lambda_im": im,
        "log_step": dt.log(),
        "B_re": (block.B_re * f_re + block.B_im * f_im) / norm,
        "B_im": (block.B_im * f_re - block.B_re * f_im) / norm,
        "C_re": block.C_re,
        "C_im": -block.C_imn,
        "D": block.D,
        "gate": block.W,
        "gate_bias": block.bias_g,
        "norm.weight": torch.ones_like(offset),
        "norm.bias": offset,
        "norm.running_mean": torch.zeros_like(offset),
        "norm.running_var": torch.full_like(offset, 1 - eps),
        "norm.num_batches_tracked": torch.tensor(0),
    }
    deployed = {"B_re": block.B_re, "B_im": block.B_im, "gate": block.W}
    deployed |= {"C_re": block.C_re, "C_im": block.C_imn}
    return state | {f"{k}_mask": matrix != 0 for k, matrix in deployed.items()}


def _continuous(a_re: Tensor, a_im: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Eigenvalues and steps that give ``a_bar``, of the size that new networks have."""
    # Rounding may have brought a slow state to 1: it decays at least a little.
    log = torch.hypot(a_re, a_im).clamp(min=FASTEST).log().clamp(max=SLOWEST)
    dt = (log / DECAY).clamp(*STEPS)
    return (log / dt).clamp(max=MAX_REAL_PART), torch.atan2(a_im, a_re) / dt, dt


def _offset(block: FoldedBlock, name: str) -> Tensor:
    """What the batch norm adds: ``B offset = bias_x`` and ``D offset = bias_z``.

    Rounded biases leave something over: as little as can be of what reaches z, where a
    constant drive of a state arrives ``|2 C / (1 - a)|`` times as large.
    """
    readout = torch.hypot(block.C_re, block.C_imn).norm(dim=0)
    rest = torch.hypot(1 - block.a_re, block.a_im).clamp(min=FASTEST)
    gain = 2 * readout / rest
    weights = torch.cat([gain, gain, torch.ones_like(block.D)])
    maps = torch.cat([block.B_re, block.B_im, block.D.diag()]) * weights[:, None]
    given = torch.cat([block.bias_x_re, block.bias_x_im, block.bias_z]) * weights
    found = torch.linalg.lstsq(maps, given[:, None], driver="gelsd").solution[:, 0]
    far = float((maps @ found - given).norm() / given.norm().clamp(min=1e-12))
    if far > FAR:
        raise ValueError(
            f"{name}: its biases are not those of a batch norm, which a model that "
            f"trains has: {far:.0%} of them is left over, {FAR:.0%} may be"
        )
    return found


class Moments:
    """Mean and variance of every feature, over batches of tokens."""

    def __init__(self, size: int) -> None:
        self._count = 0
        self._sums = torch.zeros(2, size, dtype=torch.float64)

    def see(self, tokens: Tensor) -> None:
        """Take tokens (..., size) into account."""
        wide = tokens.flatten(0, -2).to(self._sums)
        self._count += len(wide)
        self._sums += torch.stack([wide.sum(0), wide.square().sum(0)])

    def value(self) -> tuple[Tensor, Tensor]:
        """Mean and biased variance, each (size,).

        Raises
        ------
        ValueError
            If there was no token.
        """
        if not self._count:
            raise ValueError("features: norms settle on at least one token, got none")
        mean, square = self._sums / self._count
        return mean, (square - mean * mean).clamp(min=0)


@torch.no_grad()
def settle_norms(
    encode: Callable[[Tensor], Tensor],
    blocks: Iterable[nn.Module],
    batches: Iterable[tuple[Tensor, Tensor | None]],
) -> None:
    """See `SparseRNN.settle_norms`.

    Parameters
    ----------
    encode : callable
        What the first block meets, of time-major features.
    blocks : iterable of S5Block
        In evaluation.
    batches : iterable of tuple
        Features (batch, time, d_in), and the lengths of their sequences or None.
    """
    found = [(b, Moments(b.d_model)) for b in blocks if isinstance(b, S5Block)]
    for x, ends in batches:
        real = real_tokens(x, ends)
        u = encode(x.transpose(0, 1).contiguous())
        for block, moments in found:
            moments.see(u if real is None else u[real])
            u = block(u)
    for block, moments in found:
        _settle(block, moments)


def _settle(block: S5Block, moments: Moments) -> None:
    """Let a batch norm have these statistics; its block answers as before.

    B and D take over what the norm has scaled by until now, so that what arrives there
    has the deviation 1 that a new network is made for.
    """
    norm = block.norm
    before, offset = block.norm_scale()
    mean, variance = (x.to(before) for x in moments.value())
    size = (variance + norm.eps).sqrt()
    alive = before != 0
    factor = torch.where(alive, before * size, 1.0)
    shifted = (offset / torch.where(alive, before, 1.0) + mean) / size
    for name in ("B_re", "B_im", "D"):
        getattr(block, name).mul_(factor)
    norm.weight.copy_(alive.to(before))
    norm.bias.copy_(torch.where(alive, shifted, offset))
    for held, found in ((norm.running_mean, mean), (norm.running_var, variance)):
        assert held is not None  # the norm is made with running statistics
        held.copy_(found)
