# SPDX-License-Identifier: BSD-3-Clause
"""Spoken digits, as a task: recordings to mel tokens to one of ten words."""

from lava_sparse_rnn.tasks.digits.task import Digits, DigitsConfig

__all__ = ["Digits", "DigitsConfig"]
