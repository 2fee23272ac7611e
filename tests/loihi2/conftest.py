# SPDX-License-Identifier: BSD-3-Clause
"""Networks of the sizes that are mapped, and a chip that is soon full."""

import dataclasses

import numpy as np
import pytest

from lava_sparse_rnn import loihi2, spec

# d_in, d_model, d_state, d_out, blocks, density
PAPER = (257, 384, 256, 257, 3, 0.1)


@pytest.fixture(scope="session", params=["shipped", "paper"])
def sized(request):
    """A random network of the shipped denoiser's size, and one of the paper's."""
    sizes = PAPER
    if request.param == "shipped":
        net = request.getfixturevalue("shipped")
        _, *blocks, _ = net.layers
        d_model, d_state = blocks[0].d_model, blocks[0].d_state
        sizes = (net.d_in, d_model, d_state, net.d_out, len(blocks), 0.1)
    return spec.random_network(np.random.default_rng(3), *sizes)


@pytest.fixture(scope="session")
def small():
    """A network that loops in Python can count."""
    return spec.random_network(np.random.default_rng(8), 7, 12, 9, 5, 2, 0.4)


@pytest.fixture(scope="session")
def tiny_chip():
    """A chip on which a small network needs several cores per group."""
    return dataclasses.replace(
        loihi2.Chip(),
        name="tiny",
        neurons_per_core=6,
        core_bytes=900,
        synapse_bytes=160,
        routers_x=5,
        routers_y=3,
        cores_per_router=2,
        cores=30,
    )
