# SPDX-License-Identifier: BSD-3-Clause
"""Denoising of speech, as a task: waveforms, the front end in torch, SI-SNR."""

from lava_sparse_rnn.tasks.denoise.config import DataConfig, FrontEndConfig
from lava_sparse_rnn.tasks.denoise.task import Denoise

__all__ = ["DataConfig", "Denoise", "FrontEndConfig"]
