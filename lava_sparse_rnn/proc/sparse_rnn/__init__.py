# SPDX-License-Identifier: BSD-3-Clause
"""The `SparseRNN` Process and its models."""

from lava_sparse_rnn.proc.sparse_rnn.process import SparseRNN

__all__ = ["SparseRNN"]
