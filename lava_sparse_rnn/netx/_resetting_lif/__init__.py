# SPDX-License-Identifier: BSD-3-Clause
"""The `ResettingLIF` Process and its model."""

from lava_sparse_rnn.netx._resetting_lif.process import ResettingLIF

__all__ = ["ResettingLIF"]
