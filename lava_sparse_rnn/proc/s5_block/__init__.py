# SPDX-License-Identifier: BSD-3-Clause
"""The `S5Block` Process and its models."""

from lava_sparse_rnn.proc.s5_block.process import S5Block

__all__ = ["S5Block"]
