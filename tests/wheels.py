# SPDX-License-Identifier: BSD-3-Clause
"""A wheel for each Python, installed by pip into an empty environment, and used.

    python tests/wheels.py              # every Python that is there
    python tests/wheels.py 3.10 3.13

Without Lava first; where Lava does not say that it runs, the library's error names the
line that installs it, and that line is run. All have to give the same integers.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
KNOWN = re.findall(r":: Python :: (3\.\d+)", (ROOT / "pyproject.toml").read_text())
PRINT = "import sys; print(sys.executable)"

WITHOUT_LAVA = """
import hashlib
import numpy as np
from lava_sparse_rnn import audio, c_export, engine, loihi2, microcode, spec
network = spec.load("denoiser_small")
rng = np.random.default_rng(0)
x = rng.integers(0, 1000, (20, network.d_in))
expected = spec.reference.run(network, x)
assert engine.available()
assert (engine.Engine(network).run(x) == expected).all()
assert (microcode.run(network, x) == expected).all()
c_export.export(network, "exported")
loihi2.map_network(network)
print(np.__version__, hashlib.sha256(expected.astype("<i8").tobytes()).hexdigest()[:16])
"""
LAVA_FIRST = """
import numpy as np
from lava.proc.lif.process import LIF
from lava_sparse_rnn import proc, spec
network = spec.load("denoiser_small")
x = np.random.default_rng(0).integers(0, 1000, (20, network.d_in))
assert (proc.run(network, x) == spec.reference.run(network, x)).all()
"""


def interpreter(version: str) -> str | None:
    """The Python of a version, or None where there is none."""
    environment = {**os.environ, "PYENV_VERSION": version}  # for who has pyenv
    command = [f"python{version}", "-c", PRINT]
    try:
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
    except FileNotFoundError:
        return None
    return done.stdout.strip() or None


def check(python: str, folder: Path) -> str:
    """What the installed package says of numpy and of its integers."""

    def run(*command: str | Path, fails: bool = False) -> str:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
        if (done.returncode != 0) is not fails:
            raise SystemExit(f"{command}: {done.stdout[-2000:]}{done.stderr[-4000:]}")
        return done.stderr if fails else done.stdout

    run(python, "-m", "venv", "empty")
    own = folder / "empty" / "bin"
    pip = own / "pip"
    run(pip, "wheel", "-q", "--no-deps", "-w", folder / "dist", ROOT)
    (wheel,) = (folder / "dist").glob("*.whl")
    run(pip, "install", "-q", wheel)
    says = run(own / "python", "-c", WITHOUT_LAVA).strip()
    sample = ROOT / "data" / "samples" / "noisy_01.wav"
    run(own / "lava-sparse-rnn", "denoise", sample, "-o", "clean.wav")
    if "lava-nc" not in run(pip, "list"):
        error = run(own / "python", "-c", "import lava_sparse_rnn.proc", fails=True)
        line = re.search(r"`pip (install --no-deps [^`]*)`", error)[1]
        run(pip, *line.split())
    run(own / "python", "-c", LAVA_FIRST)
    return f"{wheel.name}, numpy {says}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("versions", nargs="*", default=KNOWN)
    found = set()
    for version in parser.parse_args().versions:
        python = interpreter(version)
        if python is None:
            print(f"{version}: skipped, there is none here")
            continue
        with tempfile.TemporaryDirectory() as folder:
            says = check(python, Path(folder))
        print(f"{version}: {says}", flush=True)
        found.add(says.split()[-1])
    return int(len(found) > 1)


if __name__ == "__main__":
    sys.exit(main())
