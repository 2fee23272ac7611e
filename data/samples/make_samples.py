# SPDX-License-Identifier: BSD-3-Clause
"""Make the sample recordings of this folder out of the fetched corpus.

    uv run --extra train lava-sparse-rnn data fetch
    uv run python data/samples/make_samples.py

The noises are of the test split. The voices are of the validation and the test
split: the first one chose between models, the second one nothing.
"""

from pathlib import Path

import numpy as np

from lava_sparse_rnn.audio import open_split
from lava_sparse_rnn.audio.sound import wav

CACHE = Path("corpus")
HERE = Path(__file__).parent
LEVEL_DB = -26.0  # of the speech, re full scale

# split and file of the speech, file of the noise, SNR in dB
SAMPLES = {
    "01": ("validation", "agent-alreadyon.g722", "TraficHigh2.wav", 5.0),
    "02": ("validation", "agent-incorrect.g722", "SportsCroud2.wav", 0.0),
    "03": (
        "test",
        "sense_and_sensibility_01_austen_64kb-0890.wav",
        "RailTrain3.wav",
        10.0,
    ),
}


def clip(split: str, kind: str, name: str) -> np.ndarray:
    """The samples of the clip with this file name, float32 (n,)."""
    flat = open_split(CACHE, split, kind)
    index = [Path(c.file).name for c in flat].index(name)
    return flat.samples(index)


def main() -> None:
    """Write ``noisy_<n>.wav`` and ``clean_<n>.wav``."""
    for label, (split, speech_name, noise_name, snr_db) in SAMPLES.items():
        clean = clip(split, "speech", speech_name)
        noise = np.resize(clip("test", "noise", noise_name), len(clean))  # repeats
        clean = clean * 10 ** (LEVEL_DB / 20) / np.sqrt(np.mean(clean**2))
        wanted = np.sqrt(np.mean(clean**2)) * 10 ** (-snr_db / 20)
        noisy = clean + noise * wanted / np.sqrt(np.mean(noise**2))
        peak = max(np.abs(noisy).max(), np.abs(clean).max())
        scale = min(1.0, 0.98 / peak)
        wav.write(HERE / f"noisy_{label}.wav", noisy * scale)
        wav.write(HERE / f"clean_{label}.wav", clean * scale)


if __name__ == "__main__":
    main()
