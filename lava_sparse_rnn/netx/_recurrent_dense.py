# SPDX-License-Identifier: BSD-3-Clause
# pyright: reportMissingImports=false
"""The model that lava-dl's block of type ``dense_rec`` lacks.

In lava-dl's own networks nobody asks for it, since the parts of the blocks are joined
directly; here blocks are parts themselves. Imported where lava-dl is.
"""

from __future__ import annotations

from lava.lib.dl.netx.blocks import process
from lava.lib.dl.netx.blocks.models import AbstractPyBlockModel
from lava.magma.core.decorator import implements
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol


@implements(proc=process.RecurrentDense, protocol=LoihiProtocol)
class PyRecurrentDenseModel(AbstractPyBlockModel):
    """The parts of the block, which their Process has made and joined."""


# Lava looks for models in the module of the Process, and takes those made there.
PyRecurrentDenseModel.__module__ = process.__name__
process.PyRecurrentDenseModel = PyRecurrentDenseModel  # type: ignore[attr-defined]
