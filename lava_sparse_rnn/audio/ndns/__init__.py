# SPDX-License-Identifier: BSD-3-Clause
"""Sets in the layout of the Microsoft DNS and Intel N-DNS challenges."""

from lava_sparse_rnn.audio.ndns.folder import NdnsFolder, NdnsItem, write_set
from lava_sparse_rnn.audio.ndns.segments import NdnsSegments, SegmentsConfig

__all__ = ["NdnsFolder", "NdnsItem", "NdnsSegments", "SegmentsConfig", "write_set"]
