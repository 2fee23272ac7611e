# SPDX-License-Identifier: BSD-3-Clause
"""What listeners may say of denoisers, and what each does to soft speech and pauses.

    uv run --extra evaluate --extra peers --with pesq==0.0.4 \
        --with distillmos==0.9.1 python benchmarks/listening.py SET \
        data/denoiser.net data/denoiser.net@inf gtcrn -o listening.md

A set is what ``data mix`` makes; what a system can be says ``systems.py``. One table
has the mean improvement of SI-SNR, DNSMOS (P.835), PESQ (ITU-T P.862.2) and
Distill-MOS (arXiv 2502.05356), which know nothing of each other. The second one has, in
four bands, by how many dB each system is beside the clean recording where speech is
loud (within 20 dB of the band's loudest frame) and where it is soft (20 to 40 dB below
it), and how far below that frame it leaves pauses, all of them means of decibels.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
from systems import Denoise, parser, system, title

from lava_sparse_rnn.audio import NdnsFolder
from lava_sparse_rnn.audio.evaluation.dnsmos import dnsmos
from lava_sparse_rnn.audio.evaluation.metrics import si_snr
from lava_sparse_rnn.audio.ndns.folder import NdnsItem
from lava_sparse_rnn.audio.sound.stft import Stft
from lava_sparse_rnn.files import replacing
from lava_sparse_rnn.markup import Table

RATE = 16_000
EDGES = np.array([0, 16, 64, 128])  # bins of 31.25 Hz
BANDS = ("0-0.5 kHz", "0.5-2 kHz", "2-4 kHz", "4-8 kHz")
SCORES = ("SI-SNR", "OVRL", "SIG", "BAK", "PESQ", "Distill-MOS")
STFT = Stft(512, 256)

Score = Callable[[np.ndarray], float]


def distill_mos() -> Score:
    """Scores of the package's network, of sound repeated or cut to 8 s."""
    import distillmos
    import torch

    model = distillmos.ConvTransformerSQAModel().eval()

    def score(x: np.ndarray) -> float:
        with torch.no_grad():
            return float(model(torch.from_numpy(np.resize(x, (1, 8 * RATE)))))

    return score


def levels(clean: np.ndarray, cleaned: np.ndarray) -> np.ndarray:
    """Rows loud, soft, pauses; a column for each band; NaN where there are none."""
    speech, left = (
        np.add.reduceat(np.abs(STFT.analysis(x)) ** 2, EDGES, axis=1) + 1e-9
        for x in (clean, cleaned)
    )
    loudest, whole = speech.max(0), speech.sum(1)
    change = 10 * np.log10(left / speech)
    below = 10 * np.log10(left / loudest)
    pause = (whole < whole.max() * 10**-4.5)[:, None] & np.ones_like(left, bool)
    loud = speech > loudest * 1e-2
    soft = (speech > loudest * 1e-4) & ~loud
    cells = ((loud, change), (soft, change), (pause, below))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a mean of nothing is NaN
        return np.array([np.nanmean(np.where(a, v, np.nan), 0) for a, v in cells])


def judge(denoise: Denoise, items: list[NdnsItem], distilled: Score):
    """Mean scores, and mean levels."""
    from pesq import pesq

    scores, found = [], []
    for item in items:
        cleaned = denoise(item.noisy).astype(np.float32)
        mos = dnsmos(cleaned)
        better = si_snr(cleaned, item.clean) - si_snr(item.noisy, item.clean)
        quality = pesq(RATE, item.clean, cleaned, "wb")
        each = (mos.ovrl, mos.sig, mos.bak, quality, distilled(cleaned))
        scores.append((better, *each))
        found.append(levels(item.clean, cleaned))
    return np.mean(scores, 0), np.nanmean(found, 0)


def main() -> None:
    given = parser(__doc__, "listening.md").parse_args()
    folder = NdnsFolder(given.set)
    items = [folder[i] for i in range(len(folder))][: given.count]
    distilled = distill_mos()
    first, second = [], []
    for name in given.systems:
        scores, found = judge(system(name), items, distilled)
        first.append(
            [title(name), f"{scores[0]:+.2f}", *(f"{s:.2f}" for s in scores[1:])]
        )
        second.append([title(name), *(f"{v:.1f}" for v in found.ravel())])
        print(first[-1], second[-1], sep="\n", flush=True)
    heads = [f"{kind}, {band}" for kind in ("loud", "soft", "pauses") for band in BANDS]
    tables = (
        Table("Scores", ("system", *SCORES), first),
        Table("Decibels", ("system", *heads), second),
    )
    text = "\n".join([f"{len(items)} mixes\n", *(t.markdown() for t in tables)])
    with replacing(given.output) as path:
        path.write_text(text)
    print(text)


if __name__ == "__main__":
    main()
