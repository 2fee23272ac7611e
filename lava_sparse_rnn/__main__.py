# SPDX-License-Identifier: BSD-3-Clause
"""``python -m lava_sparse_rnn``: the command ``lava-sparse-rnn``."""

from lava_sparse_rnn.cli import main

if __name__ == "__main__":
    main()
