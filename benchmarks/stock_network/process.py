# SPDX-License-Identifier: BSD-3-Clause
"""An S5 network's neurons in real numbers, without this library."""

from __future__ import annotations

import numpy as np
from lava.magma.core.process.ports.ports import InPort, OutPort
from lava.magma.core.process.process import AbstractProcess
from lava.magma.core.process.variable import Var


class Identity(AbstractProcess):
    """``s_out = a_in``: what is sent arrives, and nothing is computed."""

    def __init__(self, *, shape: tuple[int, ...]) -> None:
        super().__init__(shape=shape)
        self.a_in = InPort(shape=shape)
        self.s_out = OutPort(shape=shape)


class Rectifier(AbstractProcess):
    """``s_out = relu(a_in + bias)``, the ReLU where asked for."""

    def __init__(self, *, bias: np.ndarray, relu: bool = True) -> None:
        super().__init__(bias=bias, relu=relu)
        self.a_in = InPort(shape=bias.shape)
        self.s_out = OutPort(shape=bias.shape)
        self.bias = Var(shape=bias.shape, init=bias)


class States(AbstractProcess):
    """``x' = a x + drive`` from step ``first`` on; passes if its real part is > 0."""

    def __init__(self, *, a: np.ndarray, bias: np.ndarray, first: int) -> None:
        super().__init__(a=a, bias=bias, first=first)
        self.a_re_in, self.a_im_in = InPort(shape=a.shape), InPort(shape=a.shape)
        self.s_re_out, self.s_im_out = OutPort(shape=a.shape), OutPort(shape=a.shape)


class SigmoidGate(AbstractProcess):
    """``s_out = relu(z_in sigmoid(a_in + bias) + u_in)``."""

    def __init__(self, *, bias: np.ndarray) -> None:
        super().__init__(bias=bias)
        shape = bias.shape
        self.a_in, self.z_in = InPort(shape=shape), InPort(shape=shape)
        self.u_in, self.s_out = InPort(shape=shape), OutPort(shape=shape)
