# SPDX-License-Identifier: BSD-3-Clause
"""Models of `Affine`: in integers, in real numbers, and by its program."""

from lava_sparse_rnn.proc.affine.process import Affine
from lava_sparse_rnn.proc.neurons import models_of

PyAffineModelFixed, PyAffineModelFloat, PyAffineModelMicrocode = models_of(
    Affine, __name__
)
