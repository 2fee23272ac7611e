# SPDX-License-Identifier: BSD-3-Clause
"""Formats travel with the weights: what a quantised layer adds to a state_dict."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, TypeVar

import h5py
import numpy as np
import torch
from torch import Tensor, nn

from lava_sparse_rnn import spec
from lava_sparse_rnn.fixed_point import SpecError
from lava_sparse_rnn.nn._autograd import refuse_script
from lava_sparse_rnn.spec.hdf5_files import read_from, written

T = TypeVar("T")


class Formatted(nn.Module):
    """A quantised layer whose state_dict holds its formats too.

    Parameters are relative to binary points, which come from a calibration: without
    these the same numbers are another network. Loading restores them in place, so
    that an optimiser that was made before goes on with the same parameters.

    Attributes
    ----------
    layer : spec.Layer
    recipe : spec.Recipe
    """

    layer: spec.Layer
    recipe: spec.Recipe
    __prepare_scriptable__ = refuse_script

    def hold(self, layer: Any, recipe: spec.Recipe) -> None:
        """Compute with the formats of this description from here on."""
        raise NotImplementedError

    def constants(self) -> dict[str, Tensor]:
        """What the parameters are relative to, beside the formats; changed in place."""
        raise NotImplementedError

    def get_extra_state(self) -> Tensor:
        """Description and constants, as bytes."""
        return as_state(self._write)

    def _write(self, file: h5py.File) -> None:
        spec.write_layer(self.layer, file.create_group("description"))
        spec.write_recipe(self.recipe, file)
        for name, value in self.constants().items():
            file[f"constants/{name}"] = value.cpu().numpy()

    @torch.no_grad()
    def set_extra_state(self, state: Tensor) -> None:
        """Take over description and constants; the weights follow.

        Raises
        ------
        SpecError
            When they are of another type of layer, or of another size.
        """
        layer, recipe, found = from_state(state, self._read)
        spec.Network((layer,), recipe)  # validates
        self.hold(layer, recipe)
        for name, constant in self.constants().items():
            constant.copy_(torch.from_numpy(np.asarray(found[name])))

    def _read(self, file: Any) -> tuple[spec.Layer, spec.Recipe, dict[str, Any]]:
        layer = spec.read_layer(file["description"], "state_dict")
        if (there := _sizes(layer)) != (here := _sizes(self.layer)):
            raise SpecError(f"state_dict: a layer {there}, the model has {here}")
        recipe = spec.read_recipe(file, "state_dict")
        constants = file["constants"]
        found = {
            name: 0.0 if _is_new(name, constants) else constants[name][()]
            for name in self.constants()
        }
        return layer, recipe, found

    def _load_from_state_dict(
        self, state_dict: Any, prefix: str, metadata: Any, strict: bool,
        missing: list[str], unexpected: list[str], errors: list[str],
    ) -> None:  # fmt: skip
        key = f"{prefix}_extra_state"
        super()._load_from_state_dict(
            state_dict, prefix, metadata, strict, missing, unexpected, errors
        )
        if key not in state_dict and any(k.startswith(prefix) for k in state_dict):
            missing[:] = [name for name in missing if name != key]
            warnings.warn(
                "the state_dict holds no formats (an earlier version wrote it): they "
                "are taken to be those of the model. After another calibration it "
                "would be another network",
                stacklevel=2,
            )


def as_state(write: Callable[[h5py.File], object]) -> Tensor:
    """What a function writes into an HDF5 file, as bytes for a state_dict."""
    return torch.frombuffer(bytearray(written(write)), dtype=torch.uint8)


def from_state(state: Tensor, read: Callable[[h5py.File], T]) -> T:
    """What a function reads of the HDF5 file that `as_state` has made."""
    return read_from(state.cpu().numpy().tobytes(), read)


def _is_new(name: str, constants: Any) -> bool:
    """Whether an earlier version wrote the state, which had nothing of that name."""
    return name == "a_offset" and name not in constants


def _sizes(layer: spec.Layer) -> str:
    shapes = [f"{name} {w.shape}" for name, w in layer.matrices.items()]
    return f"{layer.type} of {', '.join(shapes)}"
