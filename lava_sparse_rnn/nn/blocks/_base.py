# SPDX-License-Identifier: BSD-3-Clause
"""What all blocks have in common: lava-dl's conventions, ranges, integers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import h5py
import numpy as np
import torch
from torch import Tensor, nn

from lava_sparse_rnn import spec
from lava_sparse_rnn.fixed_point import (
    MAX_BITS,
    MAX_SHIFT,
    SIGMOID_FRAC,
    SpecError,
    check_flag,
    check_whole,
)
from lava_sparse_rnn.nn import quantize as ptq
from lava_sparse_rnn.nn._autograd import refuse_script
from lava_sparse_rnn.nn.blocks._entry import Entry, entry_wire, real_values
from lava_sparse_rnn.nn.blocks._retired import retire
from lava_sparse_rnn.nn.folded import FoldedLayer, FoldedNetwork
from lava_sparse_rnn.nn.quantize.formatted import Formatted, as_state, from_state
from lava_sparse_rnn.nn.quantize.module import MODULES
from lava_sparse_rnn.signals import uninterrupted
from lava_sparse_rnn.spec.quantize import HEADROOM, quantize_layer
from lava_sparse_rnn.spec.recipe import INPUT


class Block(nn.Module):
    """A layer for lists of lava-dl's blocks.

    First it computes with real numbers. After `calibrate` and `quantize` its forward
    pass holds the integers of its description (as real values, multiples of powers of
    two), can be fine-tuned, and is what `export_hdf5` writes.

    Parameters
    ----------
    in_neurons, out_neurons : int
    input_frac : int, optional
        For a block that follows a layer of another library: fractional bits of the
        integers that this layer sends in Lava. 0 for spikes, 12 + 6 for
        ``sigma_delta.Output`` with lava-dl's default ``spike_exp``.
    output_frac : int, optional
        Fractional bits of what is sent, the same for all neurons: for a layer of
        another library that follows and takes no binary point per neuron. 6 for
        ``sigma_delta.Input``.
    count_log : bool
        Whether `forward` also returns the share of outputs that are not zero.

    Attributes
    ----------
    layer : spec.Affine or spec.S5Block, optional
        Formats, once quantised.
    recipe : spec.Recipe, optional
    """

    __prepare_scriptable__ = refuse_script

    def __init__(
        self,
        in_neurons: int,
        out_neurons: int,
        *,
        input_frac: int | None = None,
        output_frac: int | None = None,
        count_log: bool = False,
    ) -> None:
        super().__init__()
        for name, value in {"in": in_neurons, "out": out_neurons}.items():
            check_whole(f"{name}_neurons", value, 1)
        check_flag("count_log", count_log)
        for name, frac in {"input": input_frac, "output": output_frac}.items():
            if frac is not None:
                check_whole(f"{name}_frac", frac, -MAX_BITS, 2 * MAX_BITS)
        self.in_neurons, self.out_neurons = in_neurons, out_neurons
        self.input_frac, self.output_frac = input_frac, output_frac
        self.count_log = count_log
        self.is_observing = False
        self.observed_lengths: Tensor | None = None
        self.ranges: ptq.Ranges | None = None
        self.layer: spec.Layer | None = None
        self.recipe: spec.Recipe | None = None
        self.real: nn.Module | None = None
        self.entry: Entry | None = None
        self.quantized: Formatted | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the output, as lava-dl's blocks have it."""
        return (self.out_neurons,)

    @property
    def state_nonlinearity(self) -> str | None:
        """Of the recurrence, if the block has one."""
        return None

    def fold(self) -> FoldedLayer:
        """The real layer as it will be deployed, in float64."""
        raise NotImplementedError

    def forward(self, x: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        """Run sequences from zero state.

        Parameters
        ----------
        x : Tensor, shape (batch, in_neurons, time)

        Returns
        -------
        Tensor, shape (batch, out_neurons, time)
            And the share of values that are not zero, if `count_log`.
        """
        if not isinstance(x, Tensor):
            kind = type(x).__name__
            expected = f"a tensor (batch, {self.in_neurons}, time)"
            raise ValueError(f"x has type {kind}; expected {expected}")
        if x.dim() != 3 or x.shape[1] != self.in_neurons:
            expected = f"(batch, {self.in_neurons}, time)"
            raise ValueError(f"x has shape {tuple(x.shape)}; expected {expected}")
        u = x.permute(2, 0, 1).contiguous()
        if self.is_observing:
            self._observe(u)
        y = self._run(u).permute(1, 2, 0)
        return (y, (y != 0).to(y.dtype).mean()) if self.count_log else y

    def _run(self, u: Tensor) -> Tensor:
        """(time, batch, channels) to the same."""
        if self.quantized is None or self.entry is None or self.layer is None:
            return cast(nn.Module, self.real)(u)
        return self.quantized(self.entry(u)) * real_values(self.layer.out).to(u.device)

    @torch.no_grad()
    def _observe(self, u: Tensor) -> None:
        folded, ends = FoldedNetwork((self.fold(),)), self.observed_lengths
        found = ptq.calibrate(folded, u.transpose(0, 1), lengths=ends)
        for have, new in zip(self.ranges or found, found, strict=True):
            have.update({n: np.maximum(have[n], new[n]) for n in new})
        self.ranges = self.ranges or found

    def quantize(
        self,
        recipe: spec.Recipe,
        inp: spec.Wire | None = None,
        place: str = "layer0",
    ) -> None:
        """Choose formats and compute with integers from here on.

        Parameters
        ----------
        recipe : Recipe
        inp : Wire, optional
            What the block before sends, if it is one of this library.
        place : str
            In the file, for a recipe's widths by layer.

        Raises
        ------
        ValueError
            When the block has not been calibrated, or is quantised already.
        SpecError
            When `input_frac` or `output_frac` cannot be had.
        """
        if self.layer is not None:
            raise ValueError("the block is quantised already")
        if self.ranges is None:
            raise ValueError("the block has no ranges: call nn.blocks.calibrate before")
        if inp is not None and self.input_frac is not None:
            text = "but the layer before is one of this library and has its own"
            raise SpecError(f"input_frac is {self.input_frac}, {text}")
        with torch.no_grad():
            folded = self.fold()
        own = recipe.at(place)
        peaks = self._peaks(own)
        if inp is None:
            peak = self.ranges[0]["out"]
            inp = entry_wire(peak, self.input_frac, recipe.at(INPUT))
        layer = quantize_layer(folded.real(), peaks, own, inp)
        if self.output_frac is not None and (layer.out.frac != self.output_frac).any():
            least = int(layer.out.frac.min())
            text = f"some neurons' sums only fit with {least} or less"
            raise SpecError(f"output_frac is {self.output_frac}, but {text}")
        self._hold(layer, recipe, folded)

    def _peaks(self, recipe: spec.Recipe) -> dict[str, np.ndarray]:
        """Calibrated magnitudes; those of the output as its format asks for."""
        peaks = dict(cast(ptq.Ranges, self.ranges)[1])
        if self.output_frac is not None:
            peaks["out"] = np.full_like(
                peaks["out"], _peak_of(self.output_frac, recipe)
            )
            if "z" in peaks:  # it has to be within one shift of the output
                most = self.output_frac + MAX_SHIFT - SIGMOID_FRAC
                peaks["z"] = np.maximum(peaks["z"], _peak_of(most, recipe))
        return peaks

    def _hold(
        self, layer: spec.Layer, recipe: spec.Recipe, folded: FoldedLayer
    ) -> None:
        spec.Network((layer,), recipe)  # validates
        self.layer, self.recipe = layer, recipe
        self.entry = Entry(layer.inp, self.input_frac, recipe)
        if self.quantized is not None:  # its parameters may be an optimiser's
            self.quantized.hold(layer, recipe)
            return
        if self.real is not None:
            retire(self.real, f"{type(self).__name__} of nn.blocks")
            self.real = None
        self.quantized = MODULES[type(layer)](folded, layer, recipe)

    def describe(self) -> spec.Layer:
        """The layer with the weights of this moment.

        Raises
        ------
        ValueError
            Before `quantize`.
        """
        if self.quantized is None:
            raise ValueError("the block has no integers yet: call nn.blocks.quantize")
        return cast(Any, self.quantized).describe()

    @uninterrupted()
    def export_hdf5(self, handle: h5py.Group) -> None:
        """Write the layer into its group ``layer/<i>``, as lava-dl's blocks do.

        Raises
        ------
        ValueError
            Before `quantize`.
        """
        layer, recipe = self.describe(), cast(spec.Recipe, self.recipe)
        spec.Network((layer,), recipe)  # fine-tuned weights keep the proof too
        spec.write_layer(layer, handle)
        spec.write_recipe(recipe, handle)
        handle.attrs["format_version"] = spec.FORMAT_VERSION
        if self.input_frac is not None:
            handle.attrs["input_frac"] = self.input_frac

    def get_extra_state(self) -> Tensor:
        """Ranges and formats, so that a state_dict holds a quantised block too."""
        return as_state(self._write)

    def _write(self, file: h5py.File) -> None:
        for i, tensors in enumerate(self.ranges or []):
            for name, values in tensors.items():
                file[f"ranges/{i}/{name}"] = values
        if self.quantized is not None:
            spec.write_layer(self.describe(), file.create_group("description"))
            spec.write_recipe(cast(spec.Recipe, self.recipe), file)

    def set_extra_state(self, state: Tensor) -> None:
        """Take over ranges and formats; the weights follow from the state_dict."""
        from_state(state, self._read)

    def _read(self, file: Any) -> None:
        if "ranges" in file:
            order = sorted(file["ranges"], key=int)
            tensors = [file["ranges"][i] for i in order]
            self.ranges = [{n: v[()] for n, v in t.items()} for t in tensors]
        if "description" in file:
            recipe = spec.read_recipe(file, "state_dict")
            layer = spec.read_layer(file["description"], "state_dict")
            network = spec.Network((layer,), recipe)
            self._hold(layer, recipe, ptq.unfold(network).layers[0])


def _peak_of(frac: int, recipe: spec.Recipe) -> float:
    """A magnitude for which calibration chooses this frac."""
    return 0.75 * 2.0 ** (recipe.wire_bits - 1 - HEADROOM - frac)


def with_nonlinearity(recipe: spec.Recipe, block: Block, default: str) -> spec.Recipe:
    """``recipe`` with the block's state nonlinearity, or that of its neighbours."""
    return replace(recipe, state_nonlinearity=block.state_nonlinearity or default)
