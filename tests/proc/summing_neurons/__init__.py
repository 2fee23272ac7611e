# SPDX-License-Identifier: BSD-3-Clause
"""Neurons whose state has a name of its own (Lava imports this folder)."""

from summing_neurons.process import Summing, SummingGroup

__all__ = ["Summing", "SummingGroup"]
