# SPDX-License-Identifier: BSD-3-Clause
"""``python -m lava_sparse_rnn.train [--config FILE] [section.key=value ...]``.

``lava-sparse-rnn train`` as a module: the form that ``torchrun -m`` takes.
"""

from __future__ import annotations

import sys

from lava_sparse_rnn.cli import main
from lava_sparse_rnn.train import _ctrl_c

if __name__ == "__main__":
    _ctrl_c.as_usual()
    sys.argv[1:1] = ["train"]
    main()
