# SPDX-License-Identifier: BSD-3-Clause
"""The network description: integers and formats that every backend reads."""

from lava_sparse_rnn.fixed_point import SpecError
from lava_sparse_rnn.spec import graph, groups, reference, tables
from lava_sparse_rnn.spec._decode import read_layer, read_recipe
from lava_sparse_rnn.spec._hdf5 import load, read
from lava_sparse_rnn.spec._network import Network, check_network, validate, write
from lava_sparse_rnn.spec._random import random_network
from lava_sparse_rnn.spec._shipped import locate, shipped
from lava_sparse_rnn.spec._tensors import Bias, Diagonal, Weights, Wire
from lava_sparse_rnn.spec._validate import ACCUMULATOR_LIMIT, PROOFS, shifted_bound
from lava_sparse_rnn.spec._write import FORMAT_VERSION, write_layer, write_recipe
from lava_sparse_rnn.spec.layers import (
    LAYER_TYPES,
    S4D,
    Affine,
    Layer,
    S5Block,
)
from lava_sparse_rnn.spec.recipe import NONLINEARITIES, Recipe
from lava_sparse_rnn.spec.sequences import HEADS, Sequences, head_of
from lava_sparse_rnn.spec.stream import Stream

__all__ = [
    "ACCUMULATOR_LIMIT",
    "FORMAT_VERSION",
    "HEADS",
    "LAYER_TYPES",
    "NONLINEARITIES",
    "PROOFS",
    "S4D",
    "Affine",
    "Bias",
    "Diagonal",
    "Layer",
    "Network",
    "Recipe",
    "S5Block",
    "Sequences",
    "SpecError",
    "Stream",
    "Weights",
    "Wire",
    "check_network",
    "graph",
    "groups",
    "head_of",
    "load",
    "locate",
    "random_network",
    "read",
    "read_layer",
    "read_recipe",
    "reference",
    "shifted_bound",
    "shipped",
    "tables",
    "validate",
    "write",
    "write_layer",
    "write_recipe",
]
