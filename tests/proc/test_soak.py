# SPDX-License-Identifier: BSD-3-Clause
"""Many runs in one operating-system process leave it as it was."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

SOAK = Path(__file__).parents[2] / "benchmarks" / "soak.py"
WARM_UP = 3
# Python's own tables grow in jumps (each compile makes its model classes anew, and
# tables of classes remember the largest size); 20 cycles that kept a network of
# messages, 0.2 MB each, would exceed it.
MEMORY_MB = 1.5


@pytest.mark.slow
@pytest.mark.parametrize(
    ("way", "runtime", "cycles"),
    [
        ("proc.run, fused", "inline", 20),
        ("proc.run, fused", "processes", 20),
        ("proc.Session", "inline", 10),
        ("proc.Session", "processes", 5),
        ("proc.run, layered", "inline", 4),
    ],
)
def test_nothing_grows(way, runtime, cycles):
    stops = [str(WARM_UP), str(WARM_UP + cycles)]
    command = [sys.executable, str(SOAK), "--only", way, "--cycles", *stops]
    command += ["--runtime", runtime]
    output = subprocess.run(command, check=True, capture_output=True, text=True)
    _, (_, warm), (_, last) = (json.loads(line) for line in output.stdout.splitlines())
    assert last.pop("rss_mb") < warm.pop("rss_mb") + MEMORY_MB
    assert last == warm
    assert warm["children"] == warm["segments"] == 0
