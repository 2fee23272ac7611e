# SPDX-License-Identifier: BSD-3-Clause
"""Noisy and clean pairs, drawn from voices and noises."""

from lava_sparse_rnn.audio.mixing.mixer import Mix, Mixer, MixerConfig

__all__ = ["Mix", "Mixer", "MixerConfig"]
