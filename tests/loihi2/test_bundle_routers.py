# SPDX-License-Identifier: BSD-3-Clause
"""Bundles: cores are at the routers of a mapping's mesh."""

import numpy as np
import pytest

from lava_sparse_rnn import loihi2
from lava_sparse_rnn.loihi2.deployment._consistency import _router
from lava_sparse_rnn.loihi2.noc import Mesh


@pytest.mark.parametrize(
    "chip", [loihi2.Chip(), loihi2.Chip(cores=35, routers_x=3, cores_per_router=3)]
)
def test_routers_of_cores(chip):
    mesh = Mesh(chip)
    x, y = mesh.position(mesh.router_of(np.arange(chip.cores)))
    of_cores = [_router(chip, core) for core in range(chip.cores)]
    assert of_cores == np.stack([x, y], axis=1).tolist()
