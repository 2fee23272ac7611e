# SPDX-License-Identifier: BSD-3-Clause
"""The `Head` Process and its models."""

from lava_sparse_rnn.proc.head.process import Head

__all__ = ["Head"]
