# SPDX-License-Identifier: BSD-3-Clause
"""Make the sample recordings of this folder out of the fetched corpus.

    uv run --extra train lava-sparse-rnn data fetch
    uv run python data/samples/make_samples.py

Both speech and noise are of the test split: no training or validation sees them.
"""

from pathlib import Path

import numpy as np

from lava_sparse_rnn.audio import open_split, wav

CACHE = Path("corpus")
HERE = Path(__file__).parent
LEVEL_DB = -26.0  # of the speech, re full scale

# LibriVox sentence, noise of the city simulator, SNR in dB
SAMPLES = {
    "01": ("sense_and_sensibility_01_austen_64kb-0890.wav", "TraficHigh2.wav", 5.0),
    "02": ("sense_and_sensibility_01_austen_64kb-0880.wav", "SportsCroud2.wav", 0.0),
    "03": ("sense_and_sensibility_01_austen_64kb-0930.wav", "RailTrain3.wav", 10.0),
}


def clip(kind: str, name: str) -> np.ndarray:
    """The samples of the clip with this file name, float32 (n,)."""
    flat = open_split(CACHE, "test", kind)
    index = [Path(c.file).name for c in flat].index(name)
    return flat.samples(index)


def main() -> None:
    """Write ``noisy_<n>.wav`` and ``clean_<n>.wav``."""
    for label, (speech_name, noise_name, snr_db) in SAMPLES.items():
        clean = clip("speech", speech_name)
        noise = np.resize(clip("noise", noise_name), len(clean))  # repeats
        clean = clean * 10 ** (LEVEL_DB / 20) / np.sqrt(np.mean(clean**2))
        wanted = np.sqrt(np.mean(clean**2)) * 10 ** (-snr_db / 20)
        noisy = clean + noise * wanted / np.sqrt(np.mean(noise**2))
        peak = max(np.abs(noisy).max(), np.abs(clean).max())
        scale = min(1.0, 0.98 / peak)
        wav.write(HERE / f"noisy_{label}.wav", noisy * scale)
        wav.write(HERE / f"clean_{label}.wav", clean * scale)


if __name__ == "__main__":
    main()
