# SPDX-License-Identifier: BSD-3-Clause
"""A graph of NIR's own nodes as a Lava Process, and its model."""

from lava_sparse_rnn import lava_patches  # noqa: F401  (before all of Lava)
from lava_sparse_rnn.interchange.nir.network.process import Network

__all__ = ["Network"]
