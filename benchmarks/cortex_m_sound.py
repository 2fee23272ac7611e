# SPDX-License-Identifier: BSD-3-Clause
"""Whole denoisers on Cortex-M: the table of docs/program.md, in its form.

    uv run python benchmarks/cortex_m_sound.py [NET ...] [--hops N]

Each front end on the cores that it is meant for, compiled with ``-O2``: floats where
there is a unit for them, integers, and floats by a library where there is none. What is
needed and what is counted says `cortex_m`, whose ``--front-end`` takes other flags,
recordings and cores.
"""

from __future__ import annotations

import argparse

from cortex_m import BOARDS, HERE, Result, missing_tools, run_sound

from lava_sparse_rnn import spec
from lava_sparse_rnn.audio.denoiser import Denoiser
from lava_sparse_rnn.audio.sound import wav
from lava_sparse_rnn.audio.sound.writer import to_pcm16

# MHz that common chips with these cores have: RP2040, STM32F1, STM32F4, STM32H7
CLOCKS = {"cortex-m0plus": 133, "cortex-m3": 72, "cortex-m4": 168, "cortex-m7": 480}
UNIT, INTEGERS, LIBRARY = "floats", "integers", "floats, by a library"
CASES = (
    *((UNIT, core) for core in ("cortex-m4", "cortex-m7")),
    *((INTEGERS, core) for core in ("cortex-m4", "cortex-m7", "cortex-m3")),
    *((LIBRARY, "cortex-m3"), (INTEGERS, "cortex-m0plus"), (LIBRARY, "cortex-m0plus")),
)
HEAD = (
    "| network | core (qemu's board) | front end | flags | code | constants | RAM "
    "| stack | instructions per hop, mean | most | million per second | of a clock |\n"
    "|---|---|---|---|---:|---:|---:|---:|---:|---:|---:|---:|"
)


def line(name: str, front_end: str, result: Result, per_second: float) -> str:
    """A row of the table."""
    r, clock = result, CLOCKS[result.board.core]
    on = "on " if r.board.core == "cortex-m0plus" else ""  # which is another core's
    millions = r.mean * per_second / 1e6
    share = f"{100 * millions / clock:.0f} % of" if millions < clock else "more than"
    return (
        f"| `{name}` | {r.board.core} ({on}{r.board.machine}) | {front_end} "
        f"| `{r.flags}` | {r.sizes.code:,} | {r.sizes.constants:,} | {r.sizes.ram:,} "
        f"| {r.stack:,} | {r.mean:,.0f} | {r.most:,.0f} | {millions:.1f} "
        f"| {share} {clock} MHz |"
    )


def main() -> None:
    """Parse, run every case, print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("nets", nargs="*", default=["denoiser_small", "denoiser"])
    parser.add_argument("--hops", type=int, default=120, help="of noisy_01.wav")
    options = parser.parse_args()
    if missing := missing_tools():
        parser.error(f"not found: {', '.join(missing)}")
    boards = {board.core: board for board in BOARDS}
    samples = wav.read(HERE.parent / "data" / "samples" / "noisy_01.wav")[0]
    print(HEAD)
    for name in options.nets:
        denoiser = Denoiser(spec.load(spec.locate(name)))
        front = denoiser.front_end
        x = to_pcm16(samples[: options.hops * front.hop_length])[0]
        for front_end, core in CASES:
            board = boards[core]
            flags = f"-O2 {board.floats}" if front_end == UNIT else "-O2"
            done = run_sound(denoiser, x, board, flags, front_end == INTEGERS)
            per_second = front.sample_rate / front.hop_length
            print(line(name, front_end, done, per_second), flush=True)


if __name__ == "__main__":
    main()
