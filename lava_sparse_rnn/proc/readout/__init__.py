# SPDX-License-Identifier: BSD-3-Clause
"""The `Readout` Process and its models."""

from lava_sparse_rnn.proc.readout.process import Readout

__all__ = ["Readout"]
