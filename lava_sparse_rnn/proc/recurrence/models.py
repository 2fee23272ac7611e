# SPDX-License-Identifier: BSD-3-Clause
"""Models of `Recurrence`: in integers, in real numbers, and by its program."""

from lava_sparse_rnn.proc.neurons import models_of
from lava_sparse_rnn.proc.recurrence.microcode_model import MicrocodeRecurrence
from lava_sparse_rnn.proc.recurrence.process import Recurrence

PyRecurrenceModelFixed, PyRecurrenceModelFloat, PyRecurrenceModelMicrocode = models_of(
    Recurrence, __name__, MicrocodeRecurrence
)
