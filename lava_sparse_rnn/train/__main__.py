# SPDX-License-Identifier: BSD-3-Clause
"""``python -m lava_sparse_rnn.train [--config FILE] [section.key=value ...]``.

The same command resumes: a run that has a checkpoint continues from it.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from .config import TrainConfig


def parse(arguments: list[str] | None = None) -> TrainConfig:
    """Configuration from a JSON file and ``section.key=value`` settings."""
    parser = argparse.ArgumentParser(prog="python -m lava_sparse_rnn.train")
    parser.add_argument("--config", type=Path, help="JSON file, see TrainConfig")
    parser.add_argument("settings", nargs="*", metavar="section.key=value")
    args = parser.parse_args(arguments)
    values = json.loads(args.config.read_text("utf-8")) if args.config else {}
    for setting in args.settings:
        key, separator, text = setting.partition("=")
        if not separator:
            parser.error(f"{setting!r} is not of the form section.key=value")
        place = values
        *sections, last = key.split(".")
        for section in sections:
            place = place.setdefault(section, {})
        place[last] = _value(text)
    return TrainConfig.model_validate(values)


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


if __name__ == "__main__":
    from .loop import run

    run(parse())
