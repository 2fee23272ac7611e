# SPDX-License-Identifier: BSD-3-Clause
"""A denoiser with other widths in some layers: bytes, and what is left of its answers.

    uv run python benchmarks/widths.py [NET] [-o TABLE.md]

The network's integers become real numbers again and are quantised anew (`unfold`,
`quantize`), without training, with the ranges of the first recording of
``data/samples``; the others are denoised. So this is what widths cost before any
fine-tune.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
import torch

from lava_sparse_rnn import loihi2, spec
from lava_sparse_rnn.audio import Denoiser, si_snr_improvement
from lava_sparse_rnn.audio.sound import wav
from lava_sparse_rnn.files import replacing
from lava_sparse_rnn.nn.quantize import calibrate, quantize, unfold

SAMPLES = Path(__file__).parents[1] / "data" / "samples"
MAX_LAG = 1024
CLIPS = [2, 3]


def cases(blocks: int) -> dict[str, dict[str, dict[str, int]]]:
    """Widths by layer, by what a table calls them."""
    inner = f"layer[1-{blocks}]"
    return {
        "8 everywhere": {},
        "6 in the blocks": {inner: {"weight_bits": 6}},
        "5 in the blocks": {inner: {"weight_bits": 5}},
        "4 in the blocks": {inner: {"weight_bits": 4}},
        "4 in the last block": {f"layer{blocks}": {"weight_bits": 4}},
        "4 in encoder and decoder": {f"layer[0{blocks + 1}]": {"weight_bits": 4}},
        "4 everywhere": {"*": {"weight_bits": 4}},
        "wires of 8 in the blocks": {inner: {"wire_bits": 8}},
    }


def clip(i: int, kind: str) -> np.ndarray:
    """Samples of a shipped recording."""
    return wav.read(SAMPLES / f"{kind}_{i:02d}.wav")[0]


def score(network: spec.Network, clips: list[int]) -> float:
    """Mean SI-SNR improvement, dB."""
    gains = []
    for i in clips:
        noisy, clean = clip(i, "noisy"), clip(i, "clean")
        answer = Denoiser(network).denoise(noisy)
        n = min(len(answer), len(clean))
        gains.append(si_snr_improvement(answer[:n], noisy[:n], clean[:n], MAX_LAG))
    return float(np.mean(gains))


def requantised(network: spec.Network, by_layer: dict) -> spec.Network:
    """The same real weights, with widths of their own for some layers."""
    folded = unfold(network)
    tokens = Denoiser(network).tokens(clip(1, "noisy"))
    heard = network.layers[0].inp.format.dequantize(tokens)
    ranges = calibrate(folded, torch.from_numpy(heard[None]))
    recipe = spec.Recipe(
        rounding=network.recipe.rounding,
        overflow=network.recipe.overflow,
        sigmoid=network.recipe.sigmoid,
        by_layer=by_layer,
    )
    return quantize(folded, ranges, recipe, network.meta)


def table(network: spec.Network, names: list[str] | None = None) -> list[str]:
    """Lines of a table: the network as it is, and with the widths of some cases."""
    found = cases(len(network.layers) - 2)
    made = {"as shipped": network}
    made |= {n: requantised(network, found[n]) for n in names or found}
    lines = [
        "| bits of weights | weights, bytes | packed file "
        "| synapses on the chip, bytes | SI-SNR improvement, dB |",
        "|---|---:|---:|---:|---:|",
    ]
    for name, net in made.items():
        weights = sum(layer.weight_bytes for layer in net.layers)
        stored = int(loihi2.map_network(net).memory["synapses"].sum())
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "a.net"
            net.save(path, packed=True)
            size = path.stat().st_size
        lines.append(
            f"| {name} | {weights:,} | {size:,} | {stored:,} "
            f"| {score(net, CLIPS):.2f} |"
        )
    return lines


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("net", nargs="?", default="denoiser_small")
    parser.add_argument("-o", "--output", type=Path, help="write the table here")
    arguments = parser.parse_args()
    text = "\n".join(table(spec.load(arguments.net))) + "\n"
    print(text, end="")
    if arguments.output is not None:
        with replacing(arguments.output) as temporary:
            temporary.write_text(text, "utf-8")


if __name__ == "__main__":
    main()
