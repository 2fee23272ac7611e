# SPDX-License-Identifier: BSD-3-Clause
"""ONNX with state: a network as a graph of one token, or of a sequence.

`export` makes a model, of integers that are the reference's or of real numbers,
`write` writes it, `Session` runs it token by token or in pieces.
"""

from lava_sparse_rnn import messages

messages.require("interchange.onnx", "onnx", "onnx")

from lava_sparse_rnn.interchange.onnx._export import export, metadata, write
from lava_sparse_rnn.interchange.onnx._session import Session

__all__ = ["Session", "export", "metadata", "write"]
