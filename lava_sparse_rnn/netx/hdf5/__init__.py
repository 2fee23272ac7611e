# SPDX-License-Identifier: BSD-3-Clause
"""``hdf5.Network``: a ``.net`` file as a Lava Process."""

from lava_sparse_rnn.netx import _lava_dl  # noqa: F401  (registers its layer types)
from lava_sparse_rnn.netx._layer import BUILDERS, Layer, Options, Place, View, register
from lava_sparse_rnn.netx.hdf5.mixed import MixedNetwork
from lava_sparse_rnn.netx.hdf5.own import OwnNetwork
from lava_sparse_rnn.netx.hdf5.process import Network

__all__ = [
    "BUILDERS",
    "Layer",
    "MixedNetwork",
    "Network",
    "Options",
    "OwnNetwork",
    "Place",
    "View",
    "register",
]
