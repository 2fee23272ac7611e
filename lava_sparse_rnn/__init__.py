# SPDX-License-Identifier: BSD-3-Clause
"""Sparse, fixed-point linear recurrent networks for Lava and Loihi 2.

Each room is imported by name (``from lava_sparse_rnn import spec``); importing
the package alone loads neither torch nor lava.
"""

__version__ = "0.1.0"
