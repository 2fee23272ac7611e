# SPDX-License-Identifier: BSD-3-Clause
"""The `Affine` Process and its models."""

from lava_sparse_rnn.proc.affine.process import Affine

__all__ = ["Affine"]
