# SPDX-License-Identifier: BSD-3-Clause
"""The `MicrocodeNeurons` Process and its model."""

from lava_sparse_rnn.proc.microcode_neurons.process import MicrocodeNeurons

__all__ = ["MicrocodeNeurons"]
