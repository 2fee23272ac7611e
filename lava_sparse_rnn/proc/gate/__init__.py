# SPDX-License-Identifier: BSD-3-Clause
"""The `Gate` Process and its models."""

from lava_sparse_rnn.proc.gate.process import Gate

__all__ = ["Gate"]
