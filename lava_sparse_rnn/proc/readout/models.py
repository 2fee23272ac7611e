# SPDX-License-Identifier: BSD-3-Clause
"""Models of `Readout`: in integers, in real numbers, and by its program."""

from lava_sparse_rnn.proc.neurons import models_of
from lava_sparse_rnn.proc.readout.process import Readout

PyReadoutModelFixed, PyReadoutModelFloat, PyReadoutModelMicrocode = models_of(
    Readout, __name__
)
