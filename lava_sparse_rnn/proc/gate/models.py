# SPDX-License-Identifier: BSD-3-Clause
"""Models of `Gate`: in integers, in real numbers, and by its program."""

from lava_sparse_rnn.proc.gate.process import Gate
from lava_sparse_rnn.proc.neurons import models_of

MODELS = models_of(Gate, __name__)
PyGateModelFixed, PyGateModelFloat, PyGateModelMicrocode = MODELS
