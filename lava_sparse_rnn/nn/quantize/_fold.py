# SPDX-License-Identifier: BSD-3-Clause
"""The float network as it will be deployed: masks applied, batch norm folded.

What is left of a block is exactly the matrices and vectors that the integer contract
quantises, still in real numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor

from .._scan import gated_scan
from ..network import SparseRNN
from ..s5 import S5Block


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
    """
    encoder = FoldedAffine(
        model.masked("encoder").to(dtype), model.encoder_bias.to(dtype), relu=True
    )
    decoder = FoldedAffine(
        model.masked("decoder").to(dtype), model.decoder_bias.to(dtype), relu=False
    )
    blocks = (_fold_block(cast(S5Block, block), dtype) for block in model.blocks)
    return FoldedNetwork((encoder, *blocks, decoder))


def _fold_block(block: S5Block, dtype: torch.dtype) -> FoldedBlock:
    # v = scale * u + offset, so B v = (B * scale) u + B offset; the same with D.
    scale, offset = (x.to(dtype) for x in block.norm_scale())
    a_re, a_im, b_re, b_im = block.discretise()
    b_re = block.masked("B_re", b_re).to(dtype)
    b_im = block.masked("B_im", b_im).to(dtype)
    D = block.D.to(dtype)
    return FoldedBlock(
        a_re=a_re.to(dtype),
        a_im=a_im.to(dtype),
        B_re=b_re * scale,
        B_im=b_im * scale,
        bias_x_re=b_re @ offset,
        bias_x_im=b_im @ offset,
        C_re=block.masked("C_re").to(dtype),
        C_imn=-block.masked("C_im").to(dtype),
        D=D * scale,
        bias_z=D * offset,
        W=block.masked("gate").to(dtype),
        bias_g=block.gate_bias.to(dtype),
        nonlinearity=block.state_nonlinearity,
    )
