# SPDX-License-Identifier: BSD-3-Clause
"""What every neuron group shares: the Process, its models, timing, connections."""
