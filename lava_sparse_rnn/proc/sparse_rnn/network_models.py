# SPDX-License-Identifier: BSD-3-Clause
# pyright: reportAssignmentType=false
# (Lava writes the type of an instance's attribute as the value of the class's)
"""Models of a whole network, for every Process that stands for one."""

from __future__ import annotations

from typing import Any

import numpy as np
from lava.magma.core.decorator import implements, requires, tag
from lava.magma.core.model.py.ports import PyInPort, PyOutPort
from lava.magma.core.model.py.type import LavaPyType
from lava.magma.core.model.sub.model import AbstractSubProcessModel
from lava.magma.core.process.process import AbstractProcess
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol

from lava_sparse_rnn.proc._fused.layer_vars import OF_NETWORK, LayerVars
from lava_sparse_rnn.proc._fused.microcode import MicrocodeNetworkModel
from lava_sparse_rnn.proc._fused.model import FusedModel
from lava_sparse_rnn.proc._layered.join import join, sent, show_vars
from lava_sparse_rnn.proc.neurons.group_model import FixedPt, FloatingPt


class FixedNetworkModel(FixedPt, FusedModel, metaclass=LayerVars):
    """The network in one model: the integer contract."""

    state_type = np.int64
    inp: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32, precision=24)
    out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32, precision=24)


class FloatNetworkModel(FloatingPt, FusedModel, metaclass=LayerVars):
    """The network in one model: the same equations in real numbers."""

    state_type = np.float64
    inp: PyInPort = LavaPyType(PyInPort.VEC_DENSE, float)
    out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, float)


class SubNetworkModel(AbstractSubProcessModel):
    """Neuron groups, joined by Lava's connections."""

    var_format = OF_NETWORK

    def __init__(self, proc: Any) -> None:
        params, network = proc.proc_params, proc.network
        timing, port = params["timing"], proc.inp
        for i, graph in enumerate(network.graphs):
            parts = join(graph, network.recipe, timing, params["clock"], port)
            for name, part in parts.items():
                setattr(self, self.var_format.format(i=i, name=name), part)
            show_vars(proc, graph, parts, self.var_format.format(i=i, name=""))
            port = sent(graph, parts, graph.out)
            timing = timing.later(graph.latency)
        port.connect(proc.out)


# Base, tag and name of each model of a Process that stands for a network.
MODELS: tuple[tuple[type, str, str], ...] = (
    (FixedNetworkModel, "fixed_pt", "Py{}ModelFixed"),
    (FloatNetworkModel, "floating_pt", "Py{}ModelFloat"),
    (MicrocodeNetworkModel, "microcode", "Py{}ModelMicrocode"),
)


def models_of(
    process: type[AbstractProcess], module: str, var_format: str = OF_NETWORK
) -> tuple[type, ...]:
    """Models of a Process that stands for a network, as classes of ``module``.

    Lava finds models by importing the files beside a Process, and looks there for
    classes by their names. So each such Process has a file that binds these four.

    Parameters
    ----------
    process : type of Process
    module : str
        ``__name__`` of that file.
    var_format : str
        What its Vars are called: one of `VARS`.

    Returns
    -------
    tuple of type
        ``Py<Process>ModelFixed``, ``..Float``, ``..Microcode``, ``Sub<Process>Model``.
    """

    def derived(base: type, name: str) -> type:
        members = {"__module__": module, "__doc__": base.__doc__}
        members["var_format"] = var_format
        model = type(base)(name.format(process.__name__), (base,), members)
        return implements(proc=process, protocol=LoihiProtocol)(model)

    leaves = (tag(t)(requires(CPU)(derived(base, name))) for base, t, name in MODELS)
    return *leaves, derived(SubNetworkModel, "Sub{}Model")
