# SPDX-License-Identifier: BSD-3-Clause
"""Files of this library's layers, and their models."""

from lava_sparse_rnn.netx.hdf5.own.process import OwnNetwork

__all__ = ["OwnNetwork"]
