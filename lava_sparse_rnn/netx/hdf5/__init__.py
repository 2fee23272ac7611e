# SPDX-License-Identifier: BSD-3-Clause
"""``hdf5.Network``: a ``.net`` file as a Lava Process."""

from lava_sparse_rnn.netx.hdf5.process import Network

__all__ = ["Network"]
