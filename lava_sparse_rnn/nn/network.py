# SPDX-License-Identifier: BSD-3-Clause
"""The whole network: affine encoder, S5 blocks, affine decoder."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from ._linear import apply_mask, linear
from .s5 import S5Block

if TYPE_CHECKING:
    import h5py

    from lava_sparse_rnn.spec import Network, Recipe


class SparseRNN(nn.Module):
    """Encoder (affine, ReLU), S5 blocks, decoder (affine).

    Parameters
    ----------
    d_in, d_model, d_out : int
        Features at the input, inside, and at the output.
    d_state : int
        Real state size of each block (half as many complex states are stored).
    n_layers : int
        Number of S5 blocks.
    hippo_blocks : int
        Blocks of the HiPPO initialisation; ``d_state`` is a multiple of twice it.
    state_nonlinearity : {'real_gate', 'split', 'none'}
    dt_min, dt_max : float
        Range of the initial step sizes, in tokens.
    dropout : float
    norm_eps : float
    straight_through : bool
        Whether pruned weights keep learning; then masks should be updated often.
    seed : int
        Of the initial weights.

    Raises
    ------
    ValueError
        If a size is not positive or the state cannot be cut into blocks.

    Examples
    --------
    >>> model = SparseRNN(d_in=257, d_model=192, d_state=256, n_layers=3, d_out=257)
    >>> y = model(x)                                     # (batch, time, 257)
    """

    MATRICES = ("encoder", "decoder")

    def __init__(
        self,
        d_in: int,
        d_model: int,
        d_state: int,
        n_layers: int,
        d_out: int,
        *,
        hippo_blocks: int = 16,
        state_nonlinearity: str = "real_gate",
        dt_min: float = 1e-3,
        dt_max: float = 1e-1,
        dropout: float = 0.0,
        norm_eps: float = 1e-3,
        straight_through: bool = False,
        seed: int = 0,
    ) -> None:
        super().__init__()
        sizes = {"d_in": d_in, "d_model": d_model, "d_state": d_state}
        sizes |= {"n_layers": n_layers, "d_out": d_out}
        for name, value in sizes.items():
            if value < 1:
                raise ValueError(f"{name} is {value}; it must be at least 1")
        self.d_in, self.d_model, self.d_out = d_in, d_model, d_out
        rng = np.random.default_rng(seed)
        self.straight_through = straight_through
        self.compute_dtype: torch.dtype | None = None
        self.encoder = _uniform(rng, d_model, d_in)
        self.encoder_bias = nn.Parameter(torch.zeros(d_model))
        self.blocks = nn.ModuleList(
            S5Block(
                d_model,
                d_state,
                rng=rng,
                hippo_blocks=hippo_blocks,
                state_nonlinearity=state_nonlinearity,
                dt_min=dt_min,
                dt_max=dt_max,
                dropout=dropout,
                norm_eps=norm_eps,
                straight_through=straight_through,
            )
            for _ in range(n_layers)
        )
        self.decoder = _uniform(rng, d_out, d_model)
        self.decoder_bias = nn.Parameter(torch.zeros(d_out))
        for name in self.MATRICES:
            shape = getattr(self, name).shape
            self.register_buffer(f"{name}_mask", torch.ones(shape, dtype=torch.bool))

    def set_compute_dtype(self, dtype: torch.dtype | None) -> None:
        """Type of the matrix products while training; None is the weights' own.

        Everything else (recurrence, norms, weights) keeps its type.
        """
        for module in [self, *self.blocks]:
            module.compute_dtype = dtype

    def masked(self, name: str) -> Tensor:
        """Encoder or decoder matrix as deployed, its mask applied."""
        return apply_mask(
            getattr(self, name), getattr(self, f"{name}_mask"), self.straight_through
        )

    def prunable(self) -> Iterator[tuple[str, nn.Module, str]]:
        """Every maskable matrix: full name, the module that owns it, short name."""
        for name in self.MATRICES:
            yield name, self, name
        for i, block in enumerate(self.blocks):
            for name in block.MATRICES:
                yield f"blocks.{i}.{name}", block, name

    @torch.no_grad()
    def saliency(self) -> dict[str, Tensor]:
        """Scores of encoder and decoder (magnitudes), see `S5Block.saliency`."""
        return {name: getattr(self, name).abs() for name in self.MATRICES}

    def export_hdf5(
        self,
        target: str | Path | h5py.Group,
        features: Iterable[Tensor],
        recipe: Recipe | None = None,
        meta: Mapping[str, Any] | None = None,
    ) -> Network:
        """Quantise after training and write the network description.

        Parameters
        ----------
        target : path, or h5py group
        features : iterable of Tensor, each of shape (batch, time, d_in)
            Typical input, from which the ranges of all wires are taken.
        recipe : spec.Recipe, optional
            Widths and policies.
        meta : mapping, optional
            How the input is made and what the output means; kept in the file.

        Returns
        -------
        spec.Network
            What was written.
        """
        from . import quantize

        folded = quantize.fold(self)
        ranges = quantize.calibrate(folded, features)
        network = quantize.quantize(folded, ranges, recipe, meta)
        quantize.export_hdf5(network, target)
        return network

    def forward(self, x: Tensor) -> Tensor:
        """Run sequences from zero state.

        Parameters
        ----------
        x : Tensor, shape (batch, time, d_in)

        Returns
        -------
        Tensor, shape (batch, time, d_out)

        Raises
        ------
        ValueError
            If `x` is not of that shape.
        """
        if x.dim() != 3 or x.shape[-1] != self.d_in:
            raise ValueError(
                f"x has shape {tuple(x.shape)}; expected (batch, time, {self.d_in})"
            )
        return self.forward_time_major(x.transpose(0, 1).contiguous()).transpose(0, 1)

    def forward_time_major(self, x: Tensor) -> Tensor:
        """`forward` without the transposes: (time, batch, d_in) to (.., d_out)."""
        dtype = self.compute_dtype
        u = (linear(x, self.masked("encoder"), dtype) + self.encoder_bias).relu()
        for block in self.blocks:
            u = block(u)
        return linear(u, self.masked("decoder"), dtype) + self.decoder_bias


def _uniform(rng: np.random.Generator, rows: int, columns: int) -> Tensor:
    bound = 1 / np.sqrt(columns)
    values = rng.uniform(-bound, bound, (rows, columns))
    return nn.Parameter(torch.from_numpy(values).float())
