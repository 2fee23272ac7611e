# SPDX-License-Identifier: BSD-3-Clause
"""From a trained list of blocks to one file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, cast

import h5py
import torch
from torch import Tensor, nn

from lava_sparse_rnn import spec
from lava_sparse_rnn.fixed_point import brief
from lava_sparse_rnn.nn._inputs import Lengths, hint_of_wrapper, with_lengths
from lava_sparse_rnn.nn.blocks._base import Block, with_nonlinearity
from lava_sparse_rnn.spec.hdf5_files import replace_hdf5
from lava_sparse_rnn.spec.quantize import as_recipe


@torch.no_grad()
def calibrate(
    model: nn.Module,
    batches: Iterable[Tensor | Sequence[Tensor]],
    *,
    lengths: Lengths = None,
) -> None:
    """Measure the ranges of all blocks of a model on typical input.

    Parameters
    ----------
    model : nn.Module
        Called with every batch, in evaluation mode; its `Block` modules take note.
        An earlier calibration is forgotten.
    batches : iterable of Tensor
        Of pairs, as a DataLoader gives them, the first is taken.
    lengths : Tensor of int, or iterable of them or None, each (batch,), optional
        Tokens of each sequence of a batch (batch, channels, time), one entry a batch:
        what stands behind them is padding and does not count.

    Raises
    ------
    ValueError
        When there is nothing to calibrate, it is quantised already, or the lengths do
        not fit the batches.
    """
    blocks = [m for m in model.modules() if isinstance(m, Block)]
    if not blocks:
        raise ValueError("calibration: the model has no block of nn.blocks")
    if any(block.layer is not None for block in blocks):
        raise ValueError("calibration: the blocks are quantised already")
    was_training = model.training
    model.eval()
    for block in blocks:
        block.ranges, block.is_observing = None, True
    try:
        inputs: Any = (b[0] if isinstance(b, tuple | list) else b for b in batches)
        for x, ends in with_lengths(inputs, lengths, time=2):
            for block in blocks:
                block.observed_lengths = ends
            model(x)
    finally:
        model.train(was_training)
        for block in blocks:
            block.is_observing, block.observed_lengths = False, None
    if not all(block.ranges for block in blocks):
        raise ValueError("calibration: some blocks got no input; is a batch missing?")


def quantize(
    blocks: Iterable[nn.Module], recipe: spec.Recipe | str | None = None
) -> None:
    """Replace real numbers by integers in all blocks of a list.

    The blocks have new parameters then: make the optimiser of a fine-tune, hooks,
    averaged copies and wrappers for several processes afterwards. The step of an
    optimiser that was made before is an error.

    Parameters
    ----------
    blocks : iterable of Module
        In the order in which values pass them. A block of this library takes the
        wire of the one before it; modules without ``export_hdf5`` (dropout) do not
        count, and other libraries' blocks stay as they are.
    recipe : Recipe or str, optional
        Widths and policies, or the name of such in `quantize.RECIPES`.

    Raises
    ------
    ValueError, SpecError
        For what is no list of modules with blocks among them; see `Block.quantize`.
    """
    written, recipe = _writers(blocks), as_recipe(recipe)
    own = [block for block in written if isinstance(block, Block)]
    rules = [b.state_nonlinearity for b in own if b.state_nonlinearity]
    default = rules[0] if rules else recipe.state_nonlinearity
    wire: spec.Wire | None = None
    recipe.check_places(len(written))
    for i, block in enumerate(written):
        if isinstance(block, Block):
            own = with_nonlinearity(recipe, block, default)
            block.quantize(own, wire, f"layer{i}")
            wire = cast(spec.Layer, block.layer).out
        else:
            wire = None


def export_hdf5(blocks: Sequence[nn.Module], path: str | Path) -> None:
    """Write a file that `netx.hdf5.Network` reads: a group ``layer/<i>`` per block.

    Blocks of lava-dl write theirs. Files that a model of lava-dl writes itself, with
    ``block.export_hdf5(layer.create_group(str(i)))``, are the same.

    Parameters
    ----------
    blocks : sequence of Module
        Those without ``export_hdf5`` are left out.
    path : str or path
        Replaced only when all is written.

    Raises
    ------
    ValueError
        For what is no sequence of modules, and where none of them writes a layer.
    """
    writers = _writers(blocks)

    def write(file: h5py.File) -> None:
        for i, block in enumerate(writers):
            block.export_hdf5(file.create_group(f"layer/{i}"))

    replace_hdf5(path, write)


def _writers(blocks: Any) -> list[Any]:
    """Those of a list of modules that are layers of a file, or an error without any."""
    whole = not isinstance(blocks, Iterable) or hasattr(blocks, "export_hdf5")
    modules = [] if whole else list(blocks)
    writers = [b for b in modules if hasattr(b, "export_hdf5")]
    if not writers or not all(isinstance(b, nn.Module) for b in modules):
        raise ValueError(
            f"blocks is {brief(blocks)}; expected a list of modules, of which some "
            f"have export_hdf5{hint_of_wrapper(blocks)}"
        )
    return writers


def prunable(model: nn.Module) -> Iterator[tuple[str, nn.Module, str]]:
    """Every maskable matrix of the blocks in a model, for `sparsify`.

    A model's own ``prunable()`` returns this.

    Yields
    ------
    tuple
        Full name, the module that owns it, short name.
    """
    for name, module in model.named_modules():
        if isinstance(module, Block) and module.real is not None:
            real: Any = module.real
            for matrix in real.matrices:
                yield f"{name}.{matrix}", real, matrix
