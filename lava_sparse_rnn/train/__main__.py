# SPDX-License-Identifier: BSD-3-Clause
"""``python -m lava_sparse_rnn.train [--config FILE] [section.key=value ...]``.

What ``lava-sparse-rnn train`` runs, as a module: the form that ``torchrun -m`` takes.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from lava_sparse_rnn.train.config import read_config


def main() -> None:
    """Parse the command line and run, or resume, the training."""
    parser = argparse.ArgumentParser(prog="python -m lava_sparse_rnn.train")
    parser.add_argument("--config", type=Path, help="JSON or YAML, see TrainConfig")
    parser.add_argument("settings", nargs="*", metavar="section.key=value")
    arguments = parser.parse_args()
    config = read_config(arguments.config, arguments.settings)

    from lava_sparse_rnn.train.pipeline import run

    run(config)


if __name__ == "__main__":
    main()
