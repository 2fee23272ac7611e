# SPDX-License-Identifier: BSD-3-Clause
"""A network on Cortex-M: instructions per token, flash and RAM.

    uv run python benchmarks/cortex_m.py [NET] [--audio WAV] [--tokens N] [-o TABLE.md]
    uv run python benchmarks/cortex_m.py [NET] --front-end [--fixed-point]

With --front-end a token is a hop of samples, which the whole denoiser takes (`export-c
--front-end`), in floats of the core's own unit, or of a library where it has none
(--no-fpu: for all cores); with --fixed-point in integers.

Needs Debian's gcc-arm-none-eabi, libnewlib-arm-none-eabi and qemu-system-arm. The
network is exported to C, compiled, run on qemu's models of ARM's boards, and compared
with the reference, integer by integer.

What is counted: instructions that qemu executes between the call of ``step`` and its
return. They are no cycles: on a chip a load, a branch or flash memory may take more
than one cycle, and a Cortex-M7 or M55 may start two instructions in one.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lava_sparse_rnn import c_export, spec
from lava_sparse_rnn.audio.denoiser import Denoiser
from lava_sparse_rnn.audio.sound import wav
from lava_sparse_rnn.audio.sound.writer import to_pcm16
from lava_sparse_rnn.files import replacing

HERE = Path(__file__).parent
COMPILER, QEMU = "arm-none-eabi-gcc", "qemu-system-arm"
TIMEOUT_S = 600


@dataclass(frozen=True)
class Board:
    """A machine of qemu: its name, its core, and where code and data go."""

    core: str
    machine: str
    code: int
    ram: int
    floats: str = ""  # flags that turn the floating point unit on


HARD = "-mfloat-abi=hard"
BOARDS = (
    # Of this core qemu has no board; a Cortex-M3 knows all its instructions.
    Board("cortex-m0plus", "mps2-an385", 0x00000000, 0x20000000),
    Board("cortex-m3", "mps2-an385", 0x00000000, 0x20000000),
    Board("cortex-m4", "mps2-an386", 0x00000000, 0x20000000, HARD),
    Board("cortex-m7", "mps2-an500", 0x00000000, 0x20000000, HARD),
    Board("cortex-m33", "mps2-an505", 0x10000000, 0x38000000, HARD),
    Board("cortex-m55", "mps3-an547", 0x00000000, 0x20000000, HARD),
)


@dataclass(frozen=True)
class Result:
    """One run: bytes, and instructions per token."""

    board: Board
    flags: str
    sizes: c_export.Sizes
    stack: int
    mean: float
    most: float


def missing_tools() -> list[str]:
    """Programs that are needed and not there."""
    return [name for name in (COMPILER, QEMU, "size") if not shutil.which(name)]


def run(network: spec.Network, x: np.ndarray, board: Board, flags: str) -> Result:
    """Run a network on a board and compare its answers with the reference's.

    Raises
    ------
    RuntimeError
        When the board or its compiler fails, or an answer differs.
    """
    made = c_export.export(network, "network")
    types = [np.int16 if w.bits <= 16 else np.int32 for w in _ends(network)]
    expected = spec.reference.run(network, x)
    answers, result = _run(made, x.astype(types[0]), types[1], board, flags)
    if not np.array_equal(answers.reshape(expected.shape), expected):
        raise RuntimeError(f"{board.core}: answers differ from the reference's")
    return result


def run_sound(
    denoiser: Denoiser,
    x: np.ndarray,
    board: Board,
    flags: str,
    fixed_point: bool = False,
) -> Result:
    """Run a denoiser on a board: int16 samples, whole hops.

    Raises
    ------
    RuntimeError
        When the board or its compiler fails, or a sample is not that of the same C on
        this machine.
    """
    made = c_export.export_denoiser(denoiser.network, "network", fixed_point)
    answers, result = _run(made, x, np.int16, board, flags)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        made.write(folder, main=True)
        sources = [*made.sources, made.main]
        _call(["cc", "-std=c99", "-O2", *sources, "-o", "here"], folder)
        here = subprocess.run([folder / "here"], input=x.tobytes(), stdout=-1).stdout
    front = denoiser.front_end
    late = front.delay - front.hop_length
    if not np.array_equal(answers[late:], np.frombuffer(here, np.int16)[:-late]):
        raise RuntimeError(f"{board.core}: samples differ from those of this machine")
    return result


def _run(made: c_export.Export, x: np.ndarray, out: type, board: Board, flags: str):
    """Answers to ``x``, one after another, and what they took."""
    target = ["-mthumb", f"-mcpu={board.core}"]
    sizes = c_export.measure(
        made, " ".join([COMPILER, *target]), ["-std=c99", *flags.split()]
    )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        made.write(folder)
        (folder / "tokens").write_bytes(x.tobytes())
        _compile(folder, made, board, [*target, *flags.split()])
        command = [QEMU, "-machine", board.machine, "-icount", "shift=0"]
        command += ["-nographic", "-semihosting", "-kernel", "image"]
        _call(command, folder)
        answers = np.fromfile(folder / "answers", out)
        counts = np.fromfile(folder / "results", "<u4")
    loop, loop_ticks, tokens, ticks, most, stack = (int(n) for n in counts)
    per_tick = loop / loop_ticks
    assert sizes is not None
    mean = ticks * per_tick / tokens
    return answers, Result(board, flags, sizes, stack, mean, most * per_tick)


def _ends(network: spec.Network) -> tuple[spec.Wire, spec.Wire]:
    return network.layers[0].inp, network.layers[-1].out


def _compile(
    folder: Path, made: c_export.Export, board: Board, flags: list[str]
) -> None:
    names = {"N": "network", "D_IN": "NETWORK_D_IN", "D_OUT": "NETWORK_D_OUT"}
    header = "network.h"
    if made.state == "network_sound":
        names |= {"SOUND": "1", "D_IN": "NETWORK_HOP", "D_OUT": "NETWORK_HOP"}
        header = "network_sound.h"
    defines = [f"-D{key}={value}" for key, value in names.items()]
    places = [f"-Wl,--defsym={n}={getattr(board, n.lower())}" for n in ("CODE", "RAM")]
    sources = [str(HERE / "cortex_m" / "board.c"), *made.sources]
    script = str(HERE / "cortex_m" / "board.ld")
    command = [
        COMPILER,
        "-std=gnu99",
        "-ffp-contract=off",
        "-Wall",
        "-Wextra",
        "-Werror",
        *flags,
        "-I.",
    ]
    command += [f'-DNETWORK="{header}"', *defines, *sources, "-nostartfiles"]
    _call([*command, "-T", script, *places, "-o", "image"], folder)


def _call(command: list[str], folder: Path) -> None:
    done = subprocess.run(
        command,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
    )
    if done.returncode != 0:
        raise RuntimeError(f"{command[0]} failed: {done.stderr or done.stdout}")


def table(results: list[Result], per_second: float = 0.0) -> str:
    """Markdown, a line per run; with what a second takes, where it has calls."""
    lines = [
        "| core (qemu's board) | flags | code | constants | state | stack "
        "| instructions per token, mean | most |",
        "|---|---|---:|---:|---:|---:|---:|---:|",
    ]
    if per_second:
        lines = [lines[0] + " million per second |", lines[1] + "---:|"]
    for r in results:
        lines.append(
            f"| {r.board.core} ({r.board.machine}) | `{r.flags}` | {r.sizes.code:,} "
            f"| {r.sizes.constants:,} | {r.sizes.ram:,} | {r.stack:,} "
            f"| {r.mean:,.0f} | {r.most:,.0f} |"
        )
        if per_second:
            lines[-1] += f" {r.mean * per_second / 1e6:.1f} |"
    return "\n".join(lines) + "\n"


def main() -> None:
    """Parse, run every board, print and write the table."""
    data = HERE.parent / "data"
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("net", nargs="?", type=Path, default=Path("denoiser"))
    sample = data / "samples" / "noisy_01.wav"
    parser.add_argument("--audio", type=Path, default=sample)
    parser.add_argument("--tokens", type=int, default=500)
    flags_help = "as --flags=-O3, any number of times; -Os and -O2 by default"
    parser.add_argument("--flags", action="append", help=flags_help)
    parser.add_argument("--front-end", action="store_true", help="the whole denoiser")
    parser.add_argument("--fixed-point", action="store_true", help="in integers")
    parser.add_argument("--no-fpu", action="store_true", help="floats by a library")
    cores = [b.core for b in BOARDS]
    parser.add_argument("--core", action="append", choices=cores, help="all by default")
    parser.add_argument("-o", "--output", type=Path, help="write the table here")
    options = parser.parse_args()
    if options.fixed_point and not options.front_end:
        parser.error("--fixed-point is of the front end, --front-end is missing")
    if missing := missing_tools():
        parser.error(f"not found: {', '.join(missing)}")

    denoiser = Denoiser(spec.load(spec.locate(options.net)))
    samples = wav.read(options.audio)[0]
    if options.front_end:
        hop = denoiser.front_end.hop_length
        count = min(len(samples) // hop, options.tokens) * hop
        x = to_pcm16(samples[:count])[0]
        per_second = denoiser.front_end.sample_rate / hop
    else:
        x, per_second = denoiser.tokens(samples)[: options.tokens], 0.0
    many = f"{len(x)} {'samples' if options.front_end else 'tokens'}"
    results = []
    for flags in options.flags or ["-Os", "-O2"]:
        for board in BOARDS:
            if board.core not in (options.core or cores):
                continue
            if options.front_end:
                unit = "" if options.no_fpu or options.fixed_point else board.floats
                words = f"{flags} {unit}".strip()
                made = run_sound(denoiser, x, board, words, options.fixed_point)
            else:
                made = run(denoiser.network, x, board, flags)
            results.append(made)
            print(table(results, per_second).splitlines()[-1], flush=True)
    text = (
        f"{options.net.name}, {many} of {options.audio.name}; bytes, and "
        f"instructions as qemu executes them\n\n{table(results, per_second)}"
    )
    print(f"\n{text}")
    if options.output:
        with replacing(options.output) as temporary:
            temporary.write_text(text, "utf-8")


if __name__ == "__main__":
    main()
