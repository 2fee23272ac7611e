# SPDX-License-Identifier: BSD-3-Clause
"""The three models of a neuron group's Process, from what the group says of itself."""

from __future__ import annotations

from typing import Any

import numpy as np
from lava.magma.core.decorator import implements, requires, tag
from lava.magma.core.model.py.ports import PyInPort, PyOutPort
from lava.magma.core.model.py.type import LavaPyType
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol

from lava_sparse_rnn.proc.neurons.counts import INSTRUCTIONS, OVERFLOW
from lava_sparse_rnn.proc.neurons.group_model import FixedPt, FloatingPt, GroupModel
from lava_sparse_rnn.proc.neurons.microcode_model import Microcode
from lava_sparse_rnn.proc.neurons.process import NeuronGroup


class Fixed(FixedPt, GroupModel):
    """The integer contract."""


class Float(FloatingPt, GroupModel):
    """The same equation in real numbers."""


def types_of(process: type[NeuronGroup], real: bool) -> dict[str, LavaPyType]:
    """What Lava has to know of the ports and Vars of a group's model.

    Parameters
    ----------
    process : type of NeuronGroup
    real : bool
        Real numbers, in place of accumulators of 32 bits, payloads and states of 24.

    Returns
    -------
    dict of str to LavaPyType
        By port and Var, shape (n,) each; counters, shape (1,), are integers always.
    """
    group = process.group_type
    count = LavaPyType(np.ndarray, np.int64, precision=64)

    def of(cls: Any, dtype: type, bits: int) -> LavaPyType:
        return LavaPyType(cls, float) if real else LavaPyType(cls, dtype, bits)

    types = {p: of(PyInPort.VEC_DENSE, np.int32, 32) for p in process.inputs.values()}
    for port in process.outputs.values():
        types[port] = of(PyOutPort.VEC_DENSE, np.int32, 24)
    types |= {state: of(np.ndarray, np.int64, 24) for state in group.states}
    types |= {OVERFLOW + tensor: count for tensor in group.tensors}
    return types | {INSTRUCTIONS + group.kind: count}


def models_of(
    process: type[NeuronGroup], module: str, program: type[Microcode] = Microcode
) -> tuple[type, type, type]:
    """Models of a group's Process, as classes of ``module``.

    Lava finds models by importing the files beside a Process, and looks there for
    classes by their names. So each such Process has a file that binds these three.

    Parameters
    ----------
    process : type of NeuronGroup
    module : str
        ``__name__`` of that file.
    program : type of Microcode
        What executes the group's program.

    Returns
    -------
    tuple of type
        ``Py<Process>ModelFixed``, ``..Float``, ``..Microcode``, tagged ``fixed_pt``,
        ``floating_pt`` and ``microcode``.
    """

    def derived(base: type, name: str, label: str) -> type:
        members = {"__module__": module, "__doc__": base.__doc__, "neurons": process}
        members |= types_of(process, issubclass(base, FloatingPt))
        model = type(base)(f"Py{process.__name__}Model{name}", (base,), members)
        model = requires(CPU)(tag(label)(model))
        return implements(proc=process, protocol=LoihiProtocol)(model)

    return (
        derived(Fixed, "Fixed", "fixed_pt"),
        derived(Float, "Float", "floating_pt"),
        derived(program, "Microcode", "microcode"),
    )
