# SPDX-License-Identifier: BSD-3-Clause
"""A float checkpoint as a denoiser, against the transforms of the audio room."""

import numpy as np
import pytest
import torch

from lava_sparse_rnn.tasks.denoise.float_denoiser import FloatDenoiser
from lava_sparse_rnn.train import TrainConfig, checkpoint, open_float, run


@pytest.mark.parametrize(
    ("samples", "strength", "follows"),
    [
        *((5000, None, {}), (128 * 30, 12, {}), (77, None, {})),
        *((5000, None, {"level_s": 0.1}), (5000, 12, {"floor_rise": 5.0})),
    ],
)
def test_same_samples_as_through_the_audio_room(tiny, samples, strength, follows):
    config = tiny(
        pruning={"score": "movement"},
        data={"front_end": {"strength": strength, **follows}},
    )
    stage = open_float(config)
    stage.fit()
    denoiser = FloatDenoiser(stage.checkpoint_path)
    noisy = 0.1 * np.random.default_rng(0).standard_normal(samples, dtype=np.float32)
    front = denoiser.front_end
    assert front.strength == strength
    assert follows.items() <= front.metadata().items()
    spectrum = front.stft().analysis(noisy)
    x = torch.from_numpy(front.features(spectrum)).float()[None]
    with torch.no_grad():
        answer = denoiser.model(x)[0].numpy()
    cleaned = front.apply(spectrum, answer)
    expected = front.stft().synthesis(cleaned, samples)
    found = denoiser.denoise(noisy)
    assert found.shape == noisy.shape
    assert np.allclose(found, expected, atol=1e-5)
    assert not np.allclose(found, noisy, atol=1e-3)
    other = FloatDenoiser(stage.checkpoint_path, 0.0).denoise(noisy)
    assert np.allclose(other, noisy, atol=1e-6)
    free = FloatDenoiser(stage.checkpoint_path, float("inf"))
    assert free.front_end.kept == 0


@pytest.mark.slow
def test_what_is_no_float_checkpoint_is_named(tiny, tmp_path):
    with pytest.raises(ValueError, match=r"none\.safetensors does not exist"):
        FloatDenoiser(tmp_path / "none.safetensors")
    config = tiny()
    run(config, note=lambda text: None)
    with pytest.raises(ValueError, match="integer.safetensors is of the fine-tune"):
        FloatDenoiser(config.directory / "integer.safetensors")


def test_a_checkpoint_of_another_task_is_named(tmp_path, monkeypatch):
    path = tmp_path / "float.safetensors"
    path.touch()
    state = {"config": TrainConfig().model_dump(), "classes": 3}
    monkeypatch.setattr(checkpoint, "read", lambda path: ({}, state))
    with pytest.raises(ValueError, match=r"float\.safetensors is of another task"):
        FloatDenoiser(path)
