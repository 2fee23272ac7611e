# SPDX-License-Identifier: BSD-3-Clause
"""Network files as Lava Processes, used as lava-dl's netx is.

Files of this library's layers need nothing else; lava-dl is imported when a file has
one of its layers.
"""

from lava_sparse_rnn import lava_patches  # noqa: F401  (before all of Lava)
