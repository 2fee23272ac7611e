# SPDX-License-Identifier: BSD-3-Clause
"""Many neuron groups in one model: a block or a network in one Lava Process."""
