# SPDX-License-Identifier: BSD-3-Clause
"""What a compiler makes of an export: bytes of code, of constants, of RAM."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lava_sparse_rnn.c_export._export import Export
from lava_sparse_rnn.fixed_point import SpecError

FLAGS = ("-std=c99", "-Os")
# Sections of an object file by what they are; a compiler may append more words.
SECTIONS = {".text": "code", ".rodata": "constants", ".data": "constants"}


@dataclass(frozen=True)
class Sizes:
    """Bytes that a compiler needs for an export.

    Parameters
    ----------
    compiler : str
        With the flags that it was called with.
    code, constants : int
        Both are read-only: what a microcontroller keeps in its flash memory.
    ram : int
        One state, work space included; besides it the stack is used.
    """

    compiler: str
    code: int
    constants: int
    ram: int


def measure(
    made: Export, compiler: str | None = None, flags: Sequence[str] = FLAGS
) -> Sizes | None:
    """Compile an export and measure it.

    Parameters
    ----------
    made : Export
    compiler : str, optional
        A command, with options if need be, for instance ``arm-none-eabi-gcc
        -mcpu=cortex-m4 -mthumb``. By default the one that the environment variable
        CC names, or else ``cc``.
    flags : sequence of str

    Returns
    -------
    Sizes or None
        None where no compiler was named and there is none, or no program ``size``.

    Raises
    ------
    SpecError
        When the compiler that was named is missing, or fails.
    """
    command = shlex.split(compiler or os.environ.get("CC") or "cc")
    found = bool(command) and shutil.which(command[0])
    if not found or not shutil.which("size"):
        if compiler is None:
            return None
        missing = "size" if found else command[0] if command else compiler
        raise SpecError(f"cc {compiler!r}: there is no program {missing!r} to measure")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        made.write(folder)
        headers = [n for n in made.files if n.endswith(".h")]
        state = "".join(f'#include "{name}"\n' for name in headers)
        (folder / "_state.c").write_text(f"{state}{made.state} state;\n", "utf-8")
        parts = [_sections([*command, *flags], folder / n) for n in made.sources]
        ram = _sections([*command, *flags, "-fno-common"], folder / "_state.c")
    totals = Counter[str]()
    for section, size in (item for part in parts for item in part.items()):
        for start, kind in SECTIONS.items():
            if section == start or section.startswith(f"{start}."):
                totals[kind] += size
    shown = " ".join([*command, *flags])
    return Sizes(shown, totals["code"], totals["constants"], ram.get(".bss", 0))


def _sections(command: list[str], source: Path) -> dict[str, int]:
    """Bytes of every section of what a source is compiled to."""
    target = source.with_suffix(".o")
    _run([*command, "-c", str(source), "-o", str(target)])
    listing = _run(["size", "-A", "-d", str(target)])
    rows = (line.split() for line in listing.splitlines())
    return {r[0]: int(r[1]) for r in rows if len(r) == 3 and r[1].isdigit()}


def _run(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        reason = (done.stderr.strip().splitlines() or ["no message"])[0]
        raise SpecError(f"cc {shlex.join(command[:-4])!r}: failed ({reason})")
    return done.stdout
