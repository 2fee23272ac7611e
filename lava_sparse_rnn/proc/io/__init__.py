# SPDX-License-Identifier: BSD-3-Clause
"""Fast ways in and out of a Lava network."""

from lava_sparse_rnn.proc.io.process import Sink, Source

__all__ = ["Sink", "Source"]
