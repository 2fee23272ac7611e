# SPDX-License-Identifier: BSD-3-Clause
"""Files that mix layers of several libraries, and their model."""

from lava_sparse_rnn.netx.hdf5.mixed.process import MixedNetwork

__all__ = ["MixedNetwork"]
