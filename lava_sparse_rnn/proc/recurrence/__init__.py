# SPDX-License-Identifier: BSD-3-Clause
"""The `Recurrence` Process and its models."""

from lava_sparse_rnn.proc.recurrence.process import Recurrence

__all__ = ["Recurrence"]
