# SPDX-License-Identifier: BSD-3-Clause
"""The float network as it will be deployed: masks applied, batch norm folded.

What is left of a block is exactly the matrices and vectors that the integer contract
quantises, still in real numbers. Models with options that the contract does not know
are refused here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor

from ._scan import gated_scan
from .network import SparseRNN
from .options import S5Options
from .s5 import S5Block

# sigmoid(16) = 1 - 1e-7; exactly one on lines of which the last rises to the lid.
OPEN_GATE = 16.0


@dataclass(frozen=True, eq=False)
class FoldedAffine:
    """``out = W u + bias``, with a ReLU if `relu`.

    Parameters
    ----------
    weights : Tensor, shape (d_out, d_in)
    bias : Tensor, shape (d_out,)
    relu : bool
    """

    weights: Tensor
    bias: Tensor
    relu: bool

    def trace(self, u: Tensor) -> dict[str, Tensor]:
        """Wires for inputs of shape (T, batch, d_in)."""
        out = u @ self.weights.t() + self.bias
        return {"out": out.relu() if self.relu else out}


@dataclass(frozen=True, eq=False)
class FoldedBlock:
    """``x' = a x + B u + bias_x``, ``z = relu(2 Re(C s) + D u + bias_z)``, gate.

    Parameters
    ----------
    a_re, a_im : Tensor, shape (N,)
    B_re, B_im : Tensor, shape (N, H)
        Batch-norm scale folded into the columns.
    bias_x_re, bias_x_im : Tensor, shape (N,)
        What B makes of the batch-norm offset.
    C_re, C_imn : Tensor, shape (H, N)
        ``C_imn = -C_im``; without the factor 2 of conjugate symmetry.
    D, bias_z : Tensor, shape (H,)
    W : Tensor, shape (H, H)
    bias_g : Tensor, shape (H,)
    nonlinearity : str
        Of the state, see `nn.gated_scan`.
    """

    a_re: Tensor
    a_im: Tensor
    B_re: Tensor
    B_im: Tensor
    bias_x_re: Tensor
    bias_x_im: Tensor
    C_re: Tensor
    C_imn: Tensor
    D: Tensor
    bias_z: Tensor
    W: Tensor
    bias_g: Tensor
    nonlinearity: str

    def trace(self, u: Tensor) -> dict[str, Tensor]:
        """States, wires and gate argument for inputs of shape (T, batch, H)."""
        B = torch.cat([self.B_re, self.B_im])
        drive = u @ B.t() + torch.cat([self.bias_x_re, self.bias_x_im])
        x = gated_scan(self.a_re, self.a_im, drive, "none")
        s = gated_scan(self.a_re, self.a_im, drive, self.nonlinearity)
        C = 2 * torch.cat([self.C_re, self.C_imn], dim=1)
        z = (s @ C.t() + self.D * u + self.bias_z).relu()
        g = z @ self.W.t() + self.bias_g
        out = (z * g.sigmoid() + u).relu()
        return {"x": x, "s": s, "z": z, "g": g, "out": out}


@dataclass(frozen=True, eq=False)
class FoldedNetwork:
    """A chain of folded layers.

    Parameters
    ----------
    layers : tuple of FoldedAffine or FoldedBlock
    """

    layers: tuple[FoldedAffine | FoldedBlock, ...]

    @property
    def nonlinearity(self) -> str:
        """State nonlinearity of the blocks."""
        names = {x.nonlinearity for x in self.layers if isinstance(x, FoldedBlock)}
        return names.pop() if names else "real_gate"

    @torch.no_grad()
    def trace(self, x: Tensor) -> list[dict[str, Tensor]]:
        """Every layer's tensors for time-major inputs (T, batch, d_in)."""
        result, u = [], x
        for layer in self.layers:
            result.append(layer.trace(u))
            u = result[-1]["out"]
        return result


@torch.no_grad()
def fold(model: SparseRNN, dtype: torch.dtype = torch.float64) -> FoldedNetwork:
    """Fold a trained model.

    Parameters
    ----------
    model : SparseRNN
        Its running batch-norm statistics are used, whatever its mode.
    dtype : torch.dtype
        Of the folded tensors.

    Returns
    -------
    FoldedNetwork
        Gate 'none' is a gate without weights whose argument is always `OPEN_GATE`.

    Raises
    ------
    ValueError
        Names every option that the integer contract cannot express (an activation
        other than ReLU, the gates 'half2' and 'full', top-k), or the block and the
        state that does not decay.
    """
    check_expressible(model.options)  # the encoder has its activation too
    encoder = FoldedAffine(
        model.masked("encoder").to(dtype), model.encoder_bias.to(dtype), relu=True
    )
    decoder = FoldedAffine(
        model.masked("decoder").to(dtype), model.decoder_bias.to(dtype), relu=False
    )
    blocks = (
        _fold_block(cast(S5Block, block), dtype, f"block {i}")
        for i, block in enumerate(model.blocks)
    )
    return FoldedNetwork((encoder, *blocks, decoder))


INEXPRESSIBLE: dict[str, tuple[Callable[[S5Options], bool], str]] = {
    "activation": (lambda o: o.activation != "relu", "has ReLU only, see nn.relufy"),
    "gate": (lambda o: o.gate not in ("half1", "none"), "has 'half1' and 'none'"),
    "top_k": (lambda o: o.top_k is not None, "sends every activation that is not 0"),
}
"""Options that the integer contract may not have: the test, and what it has."""


def check_expressible(options: S5Options) -> None:
    """Refuse options for which the integer contract has no equation."""
    problems = [
        f"{name}={getattr(options, name)!r} (the contract {reason})"
        for name, (found, reason) in INEXPRESSIBLE.items()
        if found(options)
    ]
    if problems:
        raise ValueError(
            f"this model cannot be quantised or exported with {', '.join(problems)}"
        )


def _check_decay(a_re: Tensor, a_im: Tensor, name: str) -> None:
    size = torch.hypot(a_re, a_im)
    n = int(size.argmax())
    if not size[n] < 1:
        raise ValueError(
            f"{name}: state {n} does not decay, |a_bar| is {float(size[n]):.6g} and "
            "must be below 1; train with clip_eigs"
        )


def _fold_block(block: S5Block, dtype: torch.dtype, name: str = "block") -> FoldedBlock:
    check_expressible(block.options)
    # v = scale * u + offset, so B v = (B * scale) u + B offset; the same with D.
    scale, offset = (x.to(dtype) for x in block.norm_scale())
    a_re, a_im, b_re, b_im = block.discretise()
    _check_decay(a_re, a_im, name)
    b_re = block.masked("B_re", b_re).to(dtype)
    b_im = block.masked("B_im", b_im).to(dtype)
    D = block.D.to(dtype)
    # The contract doubles 2 Re(C s); what has no conjugate pairs is halved for it.
    half = 1.0 if block.options.conj_sym else 0.5
    W, bias_g = _gate(block)
    return FoldedBlock(
        a_re=a_re.to(dtype),
        a_im=a_im.to(dtype),
        B_re=b_re * scale,
        B_im=b_im * scale,
        bias_x_re=b_re @ offset,
        bias_x_im=b_im @ offset,
        C_re=half * block.masked("C_re").to(dtype),
        C_imn=-half * block.masked("C_im").to(dtype),
        D=D * scale,
        bias_z=D * offset,
        W=W.to(dtype),
        bias_g=bias_g.to(dtype),
        nonlinearity=block.state_nonlinearity,
    )


def _gate(block: S5Block) -> tuple[Tensor, Tensor]:
    if block.options.gate == "none":
        W = block.D.new_zeros(block.d_model, block.d_model)
        return W, block.D.new_full((block.d_model,), OPEN_GATE)
    return block.masked("gate"), cast(Tensor, block.gate_bias)
