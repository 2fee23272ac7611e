# SPDX-License-Identifier: BSD-3-Clause
"""Compiled kernels: a network's integers in microseconds per token.

`Engine` runs sequences, `Stream` answers one token after another; both give the
same integers as `lava_sparse_rnn.spec.reference`. Where the package was installed
without a compiler, `EXTENSION` is None, `available` is empty, and making either of
them is a `SpecError`.
"""

from lava_sparse_rnn.engine._engine import Engine
from lava_sparse_rnn.engine._extension import EXTENSION, available
from lava_sparse_rnn.engine._prepare import supports
from lava_sparse_rnn.engine._stream import Stream

__all__ = ["EXTENSION", "Engine", "Stream", "available", "supports"]
