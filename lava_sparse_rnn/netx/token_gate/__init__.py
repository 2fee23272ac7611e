# SPDX-License-Identifier: BSD-3-Clause
"""The `TokenGate` Process and its models."""

from lava_sparse_rnn.netx.token_gate.process import TokenGate

__all__ = ["TokenGate"]
