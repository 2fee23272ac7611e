# SPDX-License-Identifier: BSD-3-Clause
"""An sdist and a wheel for each Python, installed by pip into empty environments, used.

    python tests/wheels.py              # every Python that is there
    python tests/wheels.py 3.10 3.13

The wheel is built from the sdist. Without Lava first; where Lava does not say that it
runs, the library's error names the line that installs it, and that line is run. Then
the sdist where there is no compiler. All have to give the same integers.
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

USE = """
import hashlib
import numpy as np
from lava_sparse_rnn import audio, c_export, engine, loihi2, microcode, spec
network = spec.load("denoiser_small")
rng = np.random.default_rng(0)
x = rng.integers(0, 1000, (20, network.d_in))
expected = spec.reference.run(network, x)
assert bool(engine.available()) is COMPILED
if COMPILED:
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


def run(*command: str | Path, cwd: Path, fails: bool = False, **variables: str) -> str:
    """What a command says; of one that has to fail, what it complains of."""
    environment = {**os.environ, **variables}
    done = subprocess.run(
        command, cwd=cwd, env=environment, capture_output=True, text=True
    )
    if (done.returncode != 0) is not fails:
        raise SystemExit(f"{command}: {done.stdout[-2000:]}{done.stderr[-4000:]}")
    return done.stderr if fails else done.stdout


def install(python: str, package: Path, cwd: Path, **variables: str) -> Path:
    """An empty environment with a wheel or an sdist: its folder of commands."""
    own = cwd / f"with_{package.suffix[1:]}" / "bin"
    run(python, "-m", "venv", own.parent, cwd=cwd)
    run(own / "pip", "install", "-q", package, cwd=cwd, **variables)
    says = run(own / "lava-sparse-rnn", "--version", cwd=cwd).split()[-1]
    if says not in package.name:
        raise SystemExit(f"{package.name} says that it is {says}")
    return own


def check(python: str, folder: Path) -> str:
    """What the installed package says of numpy and of its integers."""
    run(python, "-m", "venv", "builder", cwd=folder)
    builder = folder / "builder" / "bin" / "python"
    run(builder, "-m", "pip", "install", "-q", "build", cwd=folder)
    run(builder, "-m", "build", "-o", folder / "dist", ROOT, cwd=folder)
    (wheel,) = (folder / "dist").glob("*.whl")
    (sdist,) = (folder / "dist").glob("*.tar.gz")

    own = install(python, wheel, folder)
    says = run(own / "python", "-c", f"COMPILED = True{USE}", cwd=folder).strip()
    sample = ROOT / "data" / "samples" / "noisy_01.wav"
    run(own / "lava-sparse-rnn", "denoise", sample, "-o", "clean.wav", cwd=folder)
    if "lava-nc" not in run(own / "pip", "list", cwd=folder):
        lava = ("import lava_sparse_rnn.proc",)
        error = run(own / "python", "-c", *lava, cwd=folder, fails=True)
        line = re.search(r"`pip (install --no-deps [^`]*)`", error)[1]
        run(own / "pip", *line.split(), cwd=folder)
    run(own / "python", "-c", LAVA_FIRST, cwd=folder)

    none = {"CC": "/bin/false", "CXX": "/bin/false"}
    bare = install(python, sdist, folder, **none)
    also = run(bare / "python", "-c", f"COMPILED = False{USE}", cwd=folder).strip()
    if also != says:
        raise SystemExit(f"{wheel.name}: {says}, without a compiler {also}")
    return f"{wheel.name} and {sdist.name}, numpy {says}"


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
