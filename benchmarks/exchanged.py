# SPDX-License-Identifier: BSD-3-Clause
"""Where a denoiser loses to a peer: the same judge, parts of their sound exchanged.

    uv run --extra evaluate --extra peers python benchmarks/exchanged.py SET \
        data/denoiser.net gtcrn --count 24 -o exchanged.md

DNSMOS (P.835) and SI-SNR of both, of sound that is partly one's and partly the other's,
and of what the first one's sound would be if it knew something: the phase of the clean
recording, where nobody speaks, or which is louder in a number, speech or noise. All by
transforms of 512 samples every 16 ms, after which both are aligned with the recording.
Frames up to 30 dB below the clean recording's loudest are speech, others pauses.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from systems import Denoise, parser, system, title

from lava_sparse_rnn.audio import NdnsFolder
from lava_sparse_rnn.audio.evaluation.dnsmos import dnsmos
from lava_sparse_rnn.audio.evaluation.metrics import si_snr
from lava_sparse_rnn.audio.sound.stft import Stft
from lava_sparse_rnn.files import replacing
from lava_sparse_rnn.markup import Table

STFT = Stft(512, 256)
EDGE = 64  # bins of 31.25 Hz: 2 kHz
SPEECH_DB = 30.0
SCORES = ("SI-SNR", "OVRL", "SIG", "BAK")


@dataclass(frozen=True)
class Spectra:
    """Of one mix, complex (T, bins): as it is, what is clean, one system's, another's.

    Attributes
    ----------
    noisy, clean, one, other : numpy.ndarray
    """

    noisy: np.ndarray
    clean: np.ndarray
    one: np.ndarray
    other: np.ndarray

    @property
    def spoken(self) -> np.ndarray:
        """Frames of speech, bool (T, 1)."""
        power = (np.abs(self.clean) ** 2).sum(1, keepdims=True)
        return power > power.max() * 10 ** (-SPEECH_DB / 10)

    @property
    def louder(self) -> np.ndarray:
        """Where speech is louder than noise, bool (T, bins)."""
        return np.abs(self.clean) > np.abs(self.noisy - self.clean)

    @property
    def ideal(self) -> np.ndarray:
        """By Wiener's gains of each number, 30 dB down at most."""
        speech, noise = np.abs(self.clean) ** 2, np.abs(self.noisy - self.clean) ** 2
        gains = speech / (speech + noise + 1e-12)
        return self.noisy * (10**-1.5 + (1 - 10**-1.5) * gains)


def phased(magnitudes: np.ndarray, like: np.ndarray) -> np.ndarray:
    """The magnitudes of one spectrum with the phase of another."""
    return np.abs(magnitudes) * np.exp(1j * np.angle(like))


def split(low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """One below 2 kHz, another above."""
    return np.concatenate([low[:, :EDGE], high[:, EDGE:]], 1)


EXCHANGED = {
    "{0}": lambda s: s.one,
    "{1}": lambda s: s.other,
    "{1}, phase of the noisy sound": lambda s: phased(s.other, s.noisy),
    "{0}, pauses of {1}": lambda s: np.where(s.spoken, s.one, s.other),
    "{1}, pauses of {0}": lambda s: np.where(s.spoken, s.other, s.one),
    "{0}, above 2 kHz {1}": lambda s: split(s.one, s.other),
    "{1}, above 2 kHz {0}": lambda s: split(s.other, s.one),
    "{0}, phase of the clean recording": lambda s: phased(s.one, s.clean),
    "{0}, all pauses 40 dB down": lambda s: np.where(s.spoken, s.one, 0.01 * s.noisy),
    "{0}, half of what is left where noise is louder, in speech": lambda s: np.where(
        s.spoken & ~s.louder, 0.5 * s.one, s.one
    ),
    "ideal gains, 30 dB down at most": lambda s: s.ideal,
    "the clean recording": lambda s: s.clean,
}


def spectra(noisy: np.ndarray, clean: np.ndarray, systems: list[Denoise]) -> Spectra:
    """Of as many frames as all of them have."""
    heard = [np.append(f(noisy), 0 * clean)[: len(clean)] for f in systems]
    all_four = [STFT.analysis(x.astype(float)) for x in (noisy, clean, *heard)]
    return Spectra(*(x[: min(map(len, all_four))] for x in all_four))


def main() -> None:
    given = parser(__doc__, "exchanged.md").parse_args()
    if len(given.systems) != 2:
        raise SystemExit(f"{len(given.systems)} systems: two are compared")
    folder, systems = NdnsFolder(given.set), [system(name) for name in given.systems]
    count = given.count or len(folder)
    chosen = np.linspace(0, len(folder) - 1, count).astype(int)
    scores: dict[str, list[tuple[float, ...]]] = {name: [] for name in EXCHANGED}
    for item in (folder[i] for i in chosen):
        mix = spectra(item.noisy, item.clean, systems)
        for name, exchange in EXCHANGED.items():
            sound = STFT.synthesis(exchange(mix))[: len(item.clean)].astype(np.float32)
            clean, noisy = item.clean[: len(sound)], item.noisy[: len(sound)]
            mos = dnsmos(sound)
            better = si_snr(sound, clean) - si_snr(noisy, clean)
            scores[name].append((better, mos.ovrl, mos.sig, mos.bak))
        print(f"{len(scores['{0}'])} of {count}", flush=True)
    titles = [title(name) for name in given.systems]
    rows = []
    for name, each in scores.items():
        better, *mos = np.mean(each, 0)
        shown = f"{better:+.2f}" if better < 90 else ""  # of the clean one: no number
        rows.append([name.format(*titles), shown, *(f"{x:.2f}" for x in mos)])
    text = Table(f"{count} mixes", ("sound", *SCORES), rows).markdown()
    with replacing(given.output) as path:
        path.write_text(text)
    print(text)


if __name__ == "__main__":
    main()
