# SPDX-License-Identifier: BSD-3-Clause
"""Integers that were turned into floats are no sound in [-1, 1]."""

import numpy as np
import pytest
import soundfile

from lava_sparse_rnn import spec
from lava_sparse_rnn.audio import AudioError, Denoiser, FrontEnd
from lava_sparse_rnn.audio.sound import wav

TONE = 0.3 * np.sin(np.arange(800) / 9)
SCALES = {16: 2.0**15, 24: 2.0**23, 32: 2.0**31}


@pytest.fixture(scope="module")
def denoiser():
    front_end = FrontEnd(n_fft=64, hop_length=16, feature_mean=0.2)
    network = spec.random_network(
        np.random.default_rng(2), d_in=33, d_model=8, d_state=8, d_out=33
    )
    network = spec.Network(network.layers, network.recipe, front_end.metadata())
    return Denoiser(network, "reference")


@pytest.mark.parametrize("name", ["denoise", "process", "tokens"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("bits", SCALES)
def test_a_denoiser_names_the_scale(denoiser, name, dtype, bits):
    loud = (TONE * SCALES[bits]).astype(dtype)
    divisor = int(SCALES[bits])
    text = (
        f"signal: sample .* full scale is 1; of {bits}-bit range that is x / {divisor}"
    )
    with pytest.raises(AudioError, match=text):
        getattr(denoiser, name)(loud)
    getattr(denoiser, name)(loud / dtype(divisor))
    denoiser.reset()


@pytest.mark.parametrize("peak", [1.0, 4.0, 60.0])
def test_what_is_above_full_scale_only_a_little_passes(denoiser, peak):
    assert len(denoiser.denoise(peak * TONE / TONE.max())) == len(TONE)


def test_a_refused_piece_leaves_a_stream_as_it_was(denoiser):
    whole = denoiser.denoise(TONE)
    denoiser.reset()
    pieces = [denoiser.process(TONE[:100])]
    with pytest.raises(AudioError, match="16-bit range"):
        denoiser.process(TONE[100:] * 32768)
    pieces += [denoiser.process(TONE[100:]), denoiser.flush()]
    assert np.array_equal(np.concatenate(pieces)[denoiser.delay :], whole)


@pytest.mark.parametrize("subtype", ["FLOAT", "DOUBLE"])
def test_a_file_of_such_floats_is_named(tmp_path, subtype):
    path = tmp_path / "loud.wav"
    soundfile.write(path, TONE * 32768, 16000, subtype=subtype)
    for read in (wav.read, wav.Reader, lambda p: wav.read_parts([p], 0.5, 0.02)):
        with pytest.raises(AudioError, match=r"loud\.wav: sample .* x / 32768"):
            read(path)
