# SPDX-License-Identifier: BSD-3-Clause
"""The whole network: affine encoder, S5 blocks, affine decoder."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import h5py
import numpy as np
import torch
from torch import Tensor, nn

from lava_sparse_rnn.fixed_point import check_flag, check_number, check_whole, choose
from lava_sparse_rnn.nn import _fused, _restore, quantize
from lava_sparse_rnn.nn._autograd import refuse_script
from lava_sparse_rnn.nn._inputs import (
    Lengths,
    check_batch,
    check_dtype,
    check_features,
    check_options,
    check_state,
    inputs_of,
    with_lengths,
)
from lava_sparse_rnn.nn._linear import apply_mask, linear
from lava_sparse_rnn.nn.activations import ACTIVATIONS
from lava_sparse_rnn.nn.folded import FoldedAffine, FoldedNetwork, check_expressible
from lava_sparse_rnn.nn.heads import HEADS
from lava_sparse_rnn.nn.options import S5Options
from lava_sparse_rnn.nn.s5 import S5Block, gradient_of
from lava_sparse_rnn.spec import Network, Recipe


class SparseRNN(nn.Module):
    """Encoder (affine, ReLU), S5 blocks, decoder (affine).

    With options other than the defaults, what can be exported is told by `fold`.

    Parameters
    ----------
    d_in, d_model, d_out : int
        Features at the input, inside, and at the output.
    d_state : int
        Real state size of each block (half as many complex states are stored).
    n_layers : int
        Number of S5 blocks.
    head : {'sequence', 'mean', 'last'}
        Whether every token is answered, or the whole sequence once, from the mean
        over its tokens or from the last; see `heads`.
    seed : int
        Of the initial weights.
    **options
        Fields of `S5Options`, for all blocks alike: ``hippo_blocks`` (of which
        twice divides `d_state`), ``state_nonlinearity``, ``activation``, ``gate``,
        ``top_k``, ``discretisation``, ``dt_min`` and others.

    Raises
    ------
    ValueError
        If a size is not positive, the state cannot be cut into blocks or an option
        is unknown or out of range.

    Examples
    --------
    >>> model = SparseRNN(d_in=257, d_model=192, d_state=256, n_layers=3, d_out=257)
    >>> y = model(x)                                     # (batch, time, 257)
    """

    matrices = ("encoder", "decoder")
    __prepare_scriptable__ = refuse_script

    def __init__(
        self,
        d_in: int,
        d_model: int,
        d_state: int,
        n_layers: int,
        d_out: int,
        *,
        head: str = "sequence",
        seed: int = 0,
        **options: Any,
    ) -> None:
        super().__init__()
        sizes = {"d_in": d_in, "d_model": d_model, "d_state": d_state}
        sizes |= {"n_layers": n_layers, "d_out": d_out}
        for name, value in sizes.items():
            check_whole(name, value, 1)
        choose("head", head, HEADS)
        check_options(options, S5Options.names())
        self.d_in, self.d_model, self.d_out = d_in, d_model, d_out
        self.options, self.head = S5Options(**options), head
        rng = np.random.default_rng(check_whole("seed", seed))
        self.compute_dtype: torch.dtype | None = None
        self.fused = True
        self.encoder = _uniform(rng, d_model, d_in)
        self.encoder_bias = nn.Parameter(torch.zeros(d_model))
        self.blocks = nn.ModuleList(
            S5Block(d_model, d_state, rng=rng, **options) for _ in range(n_layers)
        )
        self.decoder = _uniform(rng, d_out, d_model)
        self.decoder_bias = nn.Parameter(torch.zeros(d_out))
        for name in self.matrices:
            shape = getattr(self, name).shape
            self.register_buffer(f"{name}_mask", torch.ones(shape, dtype=torch.bool))

    @classmethod
    def from_folded(cls, folded: FoldedNetwork, **options: Any) -> SparseRNN:
        """A model that trains, of a folded network: the inverse of `fold`.

        In evaluation it gives the same answers; zeros are masked. Before a training,
        whose norms look at batches, `settle_norms` belongs.

        Parameters
        ----------
        folded : FoldedNetwork
            Such as `quantize.unfold` makes of a network of integers.
        **options
            Fields of `S5Options` that leave the equations as they are, such as
            ``dropout`` or ``straight_through``.

        Raises
        ------
        ValueError
            If it is no encoder, S5 blocks and decoder, its biases are none that batch
            norms can have given, or an option asks for other equations.

        Examples
        --------
        >>> model = SparseRNN.from_folded(quantize.unfold(spec.load("denoiser")))
        >>> model.settle_norms(features)
        """
        folded = _restore.checked(folded)
        sizes = _restore.sizes_of(folded)
        given = _restore.with_options(folded, options)
        model = cls(**sizes, head=folded.head, **given)
        model.load_state_dict(_restore.state_of(folded, model.options.norm_eps))
        return model

    def settle_norms(
        self,
        features: Tensor | Iterable[Tensor | Sequence[Tensor]],
        *,
        lengths: Lengths = None,
    ) -> None:
        """Let batch norms have the statistics of typical input; answers stay the same.

        Parameters
        ----------
        features, lengths
            As for `export_hdf5`.

        Raises
        ------
        ValueError
            If there is no token, or a batch or lengths do not fit.
        """
        given = (x.to(self.encoder) for x in inputs_of(features, self.d_in))
        trains = self.training
        self.eval()
        try:
            batches = with_lengths(given, lengths)
            _restore.settle_norms(self.encode, self.blocks, batches)
        finally:
            self.train(trains)

    def set_compute_dtype(self, dtype: torch.dtype | None) -> None:
        """Type of the matrix products while training; None is the weights' own.

        Everything else (recurrence, norms, weights) keeps its type.
        """
        if dtype is not None:
            check_dtype("compute_dtype", dtype)
        for module in [self, *self.blocks]:
            module.compute_dtype = dtype

    def set_fused(self, fused: bool) -> None:
        """Whether a step on a processor may take its faster form, see `_fused`.

        It computes the same, rounded elsewhere; on is the default.
        """
        for module in [self, *self.blocks]:
            module.fused = check_flag("fused", fused)

    def change(self, **options: Any) -> None:
        """Set options of all blocks, see `S5Block.change`."""
        for block in self.blocks:
            block.change(**options)  # type: ignore[operator]
        self.options = replace(self.options, **options)

    @torch.no_grad()
    def stretch_time(self, factor: float) -> None:
        """Let a token last longer or shorter; the states' own time stays the same.

        Parameters
        ----------
        factor : float
            Of the length of a token, above 0.
        """
        check_number("factor", factor, above=0)
        for block in self.blocks:
            block.log_step += math.log(factor)  # type: ignore[operator]

    def masked(self, name: str) -> Tensor:
        """Encoder or decoder matrix as deployed, its mask applied."""
        mask: Tensor = getattr(self, f"{name}_mask")
        return apply_mask(getattr(self, name), mask, self.options.straight_through)

    def prunable(self) -> Iterator[tuple[str, nn.Module, str]]:
        """Every maskable matrix: full name, the module that owns it, short name."""
        for name in self.matrices:
            yield name, self, name
        for i, block in enumerate(self.blocks):
            for name in cast(S5Block, block).matrices:
                yield f"blocks.{i}.{name}", block, name

    @torch.no_grad()
    def saliency(self) -> dict[str, Tensor]:
        """Scores of encoder and decoder (magnitudes), see `S5Block.saliency`."""
        return {name: getattr(self, name).abs() for name in self.matrices}

    @torch.no_grad()
    def deployed(self) -> dict[str, tuple[Tensor, Tensor]]:
        """Encoder and decoder with their gradients, see `S5Block.deployed`."""
        weights = {name: getattr(self, name) for name in self.matrices}
        return {name: (w, gradient_of(w)) for name, w in weights.items()}

    @torch.no_grad()
    def fold(self, dtype: torch.dtype = torch.float64) -> FoldedNetwork:
        """The network as it will be deployed: masks applied, batch norms folded.

        Its running batch-norm statistics are used, whatever its mode.

        Parameters
        ----------
        dtype : torch.dtype
            Of the folded tensors.

        Raises
        ------
        ValueError
            Names every option that the integer contract cannot express (an activation
            other than ReLU, the gates 'half2' and 'full', top-k), or the block and the
            state that does not decay.
        """
        check_dtype("dtype", dtype)
        check_expressible(self.options)  # the encoder has its activation too
        encoder, decoder = (
            FoldedAffine(
                self.masked(name).to(dtype),
                getattr(self, f"{name}_bias").to(dtype),
                relu=name == "encoder",
            )
            for name in self.matrices
        )
        blocks = (
            block.fold(dtype, f"block {i}")  # type: ignore[operator]
            for i, block in enumerate(self.blocks)
        )
        return FoldedNetwork((encoder, *blocks, decoder), self.head)

    def export_hdf5(
        self,
        target: str | Path | h5py.Group,
        features: Tensor | Iterable[Tensor | Sequence[Tensor]],
        recipe: Recipe | str | None = None,
        meta: Mapping[str, Any] | None = None,
        *,
        lengths: Lengths = None,
    ) -> Network:
        """Quantise after training and write the network description.

        Parameters
        ----------
        target : path, or h5py group
        features : Tensor, or iterable of Tensor, each of shape (batch, time, d_in)
            Typical input, from which the ranges of all wires are taken; of pairs, as
            a DataLoader gives them, the first is taken.
        recipe : spec.Recipe or str, optional
            Widths and policies, or the name of such in `quantize.RECIPES`.
        meta : mapping, optional
            How the input is made and what the output means; kept in the file, with
            the name of a head that answers whole sequences under 'head'.
        lengths : Tensor of int, or iterable of them or None, each (batch,), optional
            Tokens of each sequence of a batch, one entry a batch; see
            `quantize.calibrate`.

        Returns
        -------
        spec.Network
            What was written.

        Raises
        ------
        ValueError
            If the integer contract cannot express one of the options.
        """
        folded = self.fold()
        ranges = quantize.calibrate(folded, features, lengths=lengths)
        network = quantize.quantize(folded, ranges, recipe, meta)
        quantize.export_hdf5(network, target)
        return network

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Run sequences from zero state.

        Parameters
        ----------
        x : Tensor, shape (batch, time, d_in)
        lengths : Tensor of int, shape (batch,), optional
            Valid tokens of each sequence, for the heads 'mean' and 'last'.

        Returns
        -------
        Tensor, shape (batch, time, d_out), or (batch, d_out) of these two heads

        Raises
        ------
        ValueError
            If `x` is not of that shape and type, or a length is not within 1 and time.
        """
        check_batch(x, self.d_in, self._weight, lengths)
        y = self.forward_time_major(x.transpose(0, 1).contiguous(), lengths)
        return y.transpose(0, 1) if self.head == "sequence" else y

    def forward_time_major(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        """`forward` without the transposes: (time, batch, d_in) to (.., d_out)."""
        u = self.encode(x)
        for block in self.blocks:
            u = block(u)
        return self._decode(HEADS[self.head](u, lengths))

    def initial_state(self, batch: int) -> list[Tensor]:
        """Zero state of every block, for `step`."""
        return [block.initial_state(batch) for block in self.blocks]  # type: ignore[operator]

    def step(self, x: Tensor, state: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
        """One token of a stream; equals `forward` in evaluation, see `S5Block.step`.

        Parameters
        ----------
        x : Tensor, shape (batch, d_in)
        state : list of Tensor
            Of the step before, or `initial_state`; it is left as it is.

        Returns
        -------
        y : Tensor, shape (batch, d_out)
            The token's own answer, whatever the head.
        state : list of Tensor
        """
        check_features(x, self.d_in, self._weight, "batch")
        check_state(state, len(x), [2 * len(b.lambda_re) for b in self.blocks])  # type: ignore[arg-type]
        u, following = self.encode(x), []
        for block, before in zip(self.blocks, state, strict=True):
            u, after = block.step(u, before)  # type: ignore[operator]
            following.append(after)
        return self._decode(u), following

    def encode(self, x: Tensor) -> Tensor:
        """What the first block meets, (..., d_model), of features (..., d_in)."""
        wire = ACTIVATIONS[self.options.activation].wire
        if wire is torch.relu:
            return self._affine("encoder", x, relu=True)
        return wire(self._affine("encoder", x))

    @property
    def _weight(self) -> Tensor | None:
        """What inputs meet, where their type is not converted."""
        return self.encoder if self.compute_dtype is None else None

    def _decode(self, u: Tensor) -> Tensor:
        return self._affine("decoder", u)

    def _affine(self, name: str, x: Tensor, relu: bool = False) -> Tensor:
        bias: Tensor = getattr(self, f"{name}_bias")
        if self.fused and _fused.covers(x, self, self.compute_dtype):
            weight, mask = getattr(self, name), getattr(self, f"{name}_mask")
            through = self.options.straight_through
            return _fused.affine(
                x, weight, mask, bias, self.compute_dtype, relu, through
            )
        y = linear(x, self.masked(name), self.compute_dtype) + bias
        return y.relu() if relu else y


def _uniform(rng: np.random.Generator, rows: int, columns: int) -> Tensor:
    bound = 1 / np.sqrt(columns)
    values = rng.uniform(-bound, bound, (rows, columns))
    return nn.Parameter(torch.from_numpy(values).float())
