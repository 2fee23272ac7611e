# SPDX-License-Identifier: BSD-3-Clause
"""What a Process of one's own and its models are made of: ports, equation, timing."""

from lava_sparse_rnn.proc.neurons.group_model import FixedPt, FloatingPt, GroupModel
from lava_sparse_rnn.proc.neurons.guard import GuardedModel
from lava_sparse_rnn.proc.neurons.microcode_model import Microcode
from lava_sparse_rnn.proc.neurons.models import models_of
from lava_sparse_rnn.proc.neurons.process import NeuronGroup, TimedProcess
from lava_sparse_rnn.proc.neurons.timing import TokenSchedule

__all__ = [
    "FixedPt",
    "FloatingPt",
    "GroupModel",
    "GuardedModel",
    "Microcode",
    "NeuronGroup",
    "TimedProcess",
    "TokenSchedule",
    "models_of",
]
