# SPDX-License-Identifier: BSD-3-Clause
"""Networks taken apart: a Process for each neuron group, Lava's connections between."""
