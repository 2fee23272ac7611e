# SPDX-License-Identifier: BSD-3-Clause
"""How equal the denoiser in C is to the one in Python, on recordings.

    uv run python benchmarks/c_sound.py [NET ...] [--fixed-point] [--audio WAV ...]

Exports, compiles with the C compiler (CC, or cc), and prints a table: how many of the
numbers of all tokens differ, by how much, how far samples lie apart, and what the
difference is to the sound (SI-SNR). Answers to the C's own tokens are compared with the
reference's, integer by integer. With --fixed-point samples in and out have 16 bits, and
those of Python's denoiser come from the same.
"""

from __future__ import annotations

import argparse
import os
import shlex
import subprocess
import tempfile
from pathlib import Path

import numpy as np

from lava_sparse_rnn import c_export, spec
from lava_sparse_rnn.audio.denoiser import Denoiser
from lava_sparse_rnn.audio.evaluation.metrics import si_snr
from lava_sparse_rnn.audio.sound import wav

PROGRAM = """
#include <stdio.h>
#include "network_sound.c"

/* Of every hop: the token, the answer, the samples. */
int main(void)
{
    static network_sound sound;
#if NETWORK_FIXED_POINT
    static int16_t hop[HOP];
#else
    static float hop[HOP];
#endif

    network_sound_init(&sound);
    while (fread(hop, sizeof hop, 1, stdin) == 1) {
#if NETWORK_FIXED_POINT
        network_sound_process_int16(&sound, hop, hop);
#else
        if (network_sound_process(&sound, hop, hop))
            return 1;
#endif
        fwrite(sound.token, sizeof sound.token, 1, stdout);
        fwrite(sound.answer, sizeof sound.answer, 1, stdout);
        fwrite(hop, sizeof hop, 1, stdout);
    }
    return 0;
}
"""


def compiled(network: spec.Network, folder: Path, fixed_point: bool) -> Path:
    """The program above, around a network."""
    c_export.export_denoiser(network, fixed_point=fixed_point).write(folder)
    (folder / "program.c").write_text(PROGRAM)
    compiler = shlex.split(os.environ.get("CC", "cc"))
    command = [*compiler, "-std=c99", "-O2", "program.c", "network.c", "-o", "program"]
    subprocess.run(command, cwd=folder, check=True)
    return folder / "program"


def compare(
    network: spec.Network, recordings: list[Path], fixed_point: bool = False
) -> str:
    """A line of the table."""
    ends = network.layers[0].inp, network.layers[-1].out
    types = ["<i2" if w.bits <= 16 else "<i4" for w in ends]
    denoiser = Denoiser(network, "engine")
    hop = denoiser.front_end.hop_length
    sample, unit = ("<i2", 1 / 32768) if fixed_point else ("<f4", 1.0)
    row = [
        ("t", types[0], network.d_in),
        ("a", types[1], network.d_out),
        ("y", sample, hop),
    ]
    steps, apart, ratios = [], [], []
    with tempfile.TemporaryDirectory() as name:
        program = compiled(network, Path(name), fixed_point)
        for recording in recordings:
            samples = wav.read(recording)[0].astype(np.float32)
            x = samples[: len(samples) // hop * hop]
            pcm = np.round(x / unit).clip(-32768, 32767).astype(np.int16)
            heard, x = (pcm, pcm * np.float32(unit)) if fixed_point else (x, x)
            command, data = [program], heard.tobytes()
            done = subprocess.run(command, input=data, stdout=-1, check=True)
            rows = np.frombuffer(done.stdout, np.dtype(row))
            tokens = rows["t"].astype(np.int64)
            if not np.array_equal(rows["a"], spec.reference.run(network, tokens)):
                raise RuntimeError(f"{recording}: answers are not the reference's")
            steps.append(np.abs(tokens - denoiser.tokens(x)[: len(tokens)]))
            denoiser.reset()
            right = denoiser.process(x)[hop:]
            y = rows["y"].ravel()[:-hop] * unit
            apart.append(np.abs(y - right).max())
            ratios.append(si_snr(y, right))
    all_steps = np.concatenate(steps)
    return (
        f"{all_steps.size:,} | {np.mean(all_steps > 0):.3%} | {all_steps.max()} "
        f"| {max(apart):.1e} | {min(ratios):.1f}"
    )


def main() -> None:
    """Parse, compare, print."""
    data = Path(__file__).parents[1] / "data"
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("nets", nargs="*", default=["denoiser", "denoiser_small"])
    samples = sorted((data / "samples").glob("noisy_*.wav"))
    parser.add_argument("--audio", nargs="+", type=Path, default=samples)
    parser.add_argument("--fixed-point", action="store_true", help="in integers")
    options = parser.parse_args()
    print(
        "| network | numbers of all tokens | of them a step beside | most steps "
        "| samples apart at most (1 is full scale) | least SI-SNR, dB |\n"
        "|---|---:|---:|---:|---:|---:|"
    )
    for net in options.nets:
        line = compare(spec.load(spec.locate(net)), options.audio, options.fixed_point)
        print(f"| `{net}` | {line} |", flush=True)


if __name__ == "__main__":
    main()
