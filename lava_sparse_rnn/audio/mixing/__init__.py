# SPDX-License-Identifier: BSD-3-Clause
"""Noisy and clean pairs, drawn from voices and noises."""

from lava_sparse_rnn.audio.mixing.config import MixerConfig
from lava_sparse_rnn.audio.mixing.mixer import Mix, Mixer

__all__ = ["Mix", "Mixer", "MixerConfig"]
