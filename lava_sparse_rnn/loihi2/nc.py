# SPDX-License-Identifier: BSD-3-Clause
# pyright: reportMissingImports=false
"""Lava ProcessModels for neurocores. **Never run on hardware.**

Lava's extension for Loihi is not public. What is public is its outline: a model is
marked ``@requires(Loihi2NeuroCore)``, derives from ``AbstractNcProcessModel`` and has
a method ``allocate(net)``, which the extension's compiler calls; lava-nc imports that
class only where it is there. These models do that and no more: they hand the
Process's neuron program, its parameters and its ports on to an `NcAllocator`. Only a
holder of the extension can write one; what ``net`` is, and which types a model's
ports and variables have, is for them to fill in.

Lava's own connections (`Sparse`, `DelaySparse`) are left to the extension.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from lava_sparse_rnn import lava_patches  # noqa: F401  (before all of Lava)

# isort: split
from lava.magma.core.decorator import implements, requires, tag
from lava.magma.core.model.model import AbstractProcessModel
from lava.magma.core.resources import Loihi2NeuroCore
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol

from lava_sparse_rnn.loihi2.deployment.errors import DeploymentError
from lava_sparse_rnn.loihi2.deployment.program import GroupProgram, group_program
from lava_sparse_rnn.microcode import Timing
from lava_sparse_rnn.proc import Affine, Gate, Readout, Recurrence

try:
    from lava.magma.core.model.nc.model import AbstractNcProcessModel
except ImportError:

    class AbstractNcProcessModel(AbstractProcessModel):
        """In place of Lava's, where the extension is not installed."""


@dataclass(frozen=True, eq=False)
class NcNeurons:
    """What a Process's neurons need on a neurocore.

    Parameters
    ----------
    part : GroupProgram
        Program, constants, number of neurons.
    inputs, outputs : dict of str to str
        Accumulator or output of the program, by the Process's port.
    states : tuple of str
        The program's states that are Vars of the Process.
    """

    part: GroupProgram
    inputs: Mapping[str, str]
    outputs: Mapping[str, str]
    states: tuple[str, ...]


class NcAllocator(Protocol):
    """Puts neurons on a neurocore, by the extension's means."""

    def allocate(self, net: Any, neurons: NcNeurons) -> None:
        """Called once for each Process while Lava compiles.

        Parameters
        ----------
        net : object
            What the extension gave to the model's ``allocate``.
        neurons : NcNeurons
        """
        ...


class NcGroupModel(AbstractNcProcessModel):  # pyright: ignore[reportGeneralTypeIssues]
    """A neuron group on a neurocore; never run on hardware."""

    @property
    @abstractmethod
    def allocator(self) -> NcAllocator:
        """Where neurons go."""

    def allocate(self, net: Any) -> None:
        """Hand the Process's program and parameters on.

        Raises
        ------
        DeploymentError
            When the Process has resets that its program cannot do.
        """
        process: Any = self.implements_process
        params: Any = self.proc_params
        timing, group = params["timing"], params["group"]
        if timing.reset_offset:
            raise DeploymentError(
                f"{process.__name__}: reset_offset is {timing.reset_offset}, the "
                "neuron program resets with the first token: must be 0"
            )
        part = group_program(
            process.__name__.lower(),
            group,
            params["recipe"],
            Timing(timing.depth, timing.period, timing.reset_interval or 0),
        )
        ports = (_by_port(process.inputs), _by_port(process.outputs))
        neurons = NcNeurons(part, *ports, group.states)
        self.allocator.allocate(net, neurons)


def models(allocator: NcAllocator) -> dict[type, type[AbstractProcessModel]]:
    """A model for each neuron group that hands its neurons to an allocator.

    Parameters
    ----------
    allocator : NcAllocator

    Returns
    -------
    dict
        Model by Process, for ``Loihi2HwCfg(exception_proc_model_map=...)``.
    """
    processes = (Affine, Recurrence, Readout, Gate)
    return {process: _model(process, allocator) for process in processes}


def _by_port(ports: Mapping[str, str]) -> dict[str, str]:
    return {port: name for name, port in ports.items()}


def _model(process: Any, allocator: NcAllocator) -> type[AbstractProcessModel]:
    @implements(proc=process, protocol=LoihiProtocol)
    @requires(Loihi2NeuroCore)
    @tag("fixed_pt")
    class Model(NcGroupModel):
        @property
        def allocator(self) -> NcAllocator:
            return allocator

    Model.__name__ = Model.__qualname__ = f"Nc{process.__name__}Model"
    return Model
