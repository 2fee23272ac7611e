# SPDX-License-Identifier: BSD-3-Clause
"""A neuron group that this library has not, as a user would add it."""
