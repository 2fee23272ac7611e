# SPDX-License-Identifier: BSD-3-Clause
"""Models of `Magnitude`."""

from lava_sparse_rnn.proc.neurons import models_of
from own_equation.process import Magnitude

MODELS = models_of(Magnitude, __name__)
PyMagnitudeModelFixed, PyMagnitudeModelFloat, PyMagnitudeModelMicrocode = MODELS
