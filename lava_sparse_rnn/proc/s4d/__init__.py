# SPDX-License-Identifier: BSD-3-Clause
"""The `S4D` Process and its model."""

from lava_sparse_rnn.proc.s4d.process import S4D

__all__ = ["S4D"]
