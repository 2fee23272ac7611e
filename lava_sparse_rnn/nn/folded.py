# SPDX-License-Identifier: BSD-3-Clause
"""The float network as it will be deployed: masks applied, batch norm folded.

What is left of a block is exactly the matrices and vectors that the integer contract
quantises, still in real numbers. What folds is the model's own knowledge, see
`S5Block.fold` and `SparseRNN.fold`; options that the contract does not know are
refused here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, NoReturn

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lava_sparse_rnn.fixed_point import Brief, SpecError, brief, shown
from lava_sparse_rnn.nn._scan import gated_scan
from lava_sparse_rnn.nn.options import S5Options
from lava_sparse_rnn.spec.quantize import RealAffine, RealBlock

OPEN_GATE = 16.0
"""The argument of a gate that is always open.

sigmoid(16) = 1 - 1e-7; exactly one on lines of which the last rises to the lid.
"""


@dataclass(frozen=True, eq=False)
class FoldedAffine(Brief):
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

    def real(self) -> RealAffine:
        """The same in numpy, for the quantiser."""
        return RealAffine(_doubles(self.weights), _doubles(self.bias), self.relu)


@dataclass(frozen=True, eq=False)
class FoldedBlock(Brief):
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

    def real(self) -> RealBlock:
        """The same in numpy, for the quantiser."""
        v = {f.name: getattr(self, f.name) for f in fields(self)}
        rule = v.pop("nonlinearity")
        v = {name: _doubles(tensor) for name, tensor in v.items()}
        return RealBlock(
            a_bar=v["a_re"] + 1j * v["a_im"],
            B_bar=v["B_re"] + 1j * v["B_im"],
            C=v["C_re"] - 1j * v["C_imn"],
            bias_x=v["bias_x_re"] + 1j * v["bias_x_im"],
            **{name: v[name] for name in ("D", "W", "bias_z", "bias_g")},
            nonlinearity=rule,
        )


def not_trained(*layer: Any) -> NoReturn:
    """Where an S4D layer would be made trainable: it cannot.

    Raises
    ------
    SpecError
    """
    raise SpecError(
        "nn: an S4D layer cannot be trained; spec.quantize.quantize_network and "
        "proc.S4D.from_float make its integers of real values"
    )


FoldedLayer = FoldedAffine | FoldedBlock


def check_folded(value: object) -> None:
    """Refuse what is no `FoldedNetwork`, and say how one is made."""
    if not isinstance(value, FoldedNetwork):
        raise ValueError(
            f"folded is {brief(value)}; expected a FoldedNetwork, which "
            "nn.quantize.fold makes of a float model"
        )


@dataclass(frozen=True, eq=False)
class FoldedNetwork(Brief):
    """A chain of folded layers.

    Parameters
    ----------
    layers : tuple of FoldedAffine or FoldedBlock
    head : {'sequence', 'mean', 'last'}
        What the answers to tokens are made into; see `heads`.
    """

    layers: tuple[FoldedLayer, ...]
    head: str = "sequence"

    @property
    def d_in(self) -> int:
        """Number of inputs."""
        first = self.layers[0]
        matrix = first.weights if isinstance(first, FoldedAffine) else first.W
        return matrix.shape[1]

    @property
    def dtype(self) -> torch.dtype:
        """Of all tensors."""
        first = self.layers[0]
        return (first.weights if isinstance(first, FoldedAffine) else first.W).dtype

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


INEXPRESSIBLE: dict[str, tuple[Callable[[S5Options], bool], str]] = {
    "activation": (lambda o: o.activation != "relu", "has ReLU only, see nn.relufy"),
    "gate": (lambda o: o.gate not in ("half1", "none"), "has 'half1' and 'none'"),
    "top_k": (lambda o: o.top_k is not None, "sends every activation that is not 0"),
}
"""Options that the integer contract may not have: the test, and what it has."""


def check_expressible(options: S5Options) -> None:
    """Refuse options for which the integer contract has no equation."""
    problems = [
        f"{name}={shown(getattr(options, name))} (the contract {reason})"
        for name, (found, reason) in INEXPRESSIBLE.items()
        if found(options)
    ]
    if problems:
        raise ValueError(
            f"this model cannot be quantised or exported with {', '.join(problems)}"
        )


def _doubles(x: Tensor) -> NDArray[np.float64]:
    return x.detach().cpu().double().numpy()
