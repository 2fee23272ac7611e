# SPDX-License-Identifier: BSD-3-Clause
"""A network as one self-contained C99 file, for machines without an operating system.

`export` writes it, `measure` says what a compiler makes of it.
"""

from lava_sparse_rnn.c_export._c import identifier_of
from lava_sparse_rnn.c_export._export import Export, export
from lava_sparse_rnn.c_export._sizes import Sizes, measure

__all__ = ["Export", "Sizes", "export", "identifier_of", "measure"]
