# SPDX-License-Identifier: BSD-3-Clause
"""Processes that are given their models' code."""

import numpy as np
from lava.magma.core.process.ports.ports import InPort, OutPort, RefPort
from lava.magma.core.process.process import AbstractProcess
from lava.magma.core.process.variable import Var
from scipy.sparse import csr_matrix


class Scripted(AbstractProcess):
    """Calls ``script[phase](model)`` in each phase that the script has.

    Phases are spk, pre, lrn and post; ``script["<phase>_guard"](model)`` says whether
    a step has the phase, and every step has it without one.
    """

    def __init__(self, script=None, shape=(2,), **kwargs):
        super().__init__(script=script or {}, **kwargs)
        self.inp, self.out = InPort(shape=shape), OutPort(shape=shape)
        self.ref = RefPort(shape=shape)
        self.state = Var(shape=shape, init=0)


class Async(AbstractProcess):
    """Calls ``script(model)`` once in every run."""

    def __init__(self, script, shape=(2,), **kwargs):
        super().__init__(script=script, **kwargs)
        self.inp, self.out = InPort(shape=shape), OutPort(shape=shape)
        self.ref = RefPort(shape=shape)
        self.state = Var(shape=shape, init=0)


class Typed(AbstractProcess):
    """A Var of each type that Lava's models may have."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.whole = Var(shape=(1,), init=7)
        self.matrix = Var(shape=(2, 3), init=np.arange(6).reshape(2, 3))
        self.real = Var(shape=(3,), init=np.array([0.5, -1.25, 3.0]))
        self.text = Var(shape=(5,), init="hello")
        sparse = csr_matrix(np.array([[0, 3, 0], [4, 0, 5]]))
        self.sparse = Var(shape=sparse.shape, init=sparse)
