# SPDX-License-Identifier: BSD-3-Clause
"""What the tests of the engine share: every kernel, and the comparison."""

import numpy as np
import pytest

from lava_sparse_rnn import engine, spec
from lava_sparse_rnn.fixed_point import OverflowCounters

KERNELS = engine.available()


def pytest_collection_modifyitems(items):
    """Without a compiler there is nothing to test but the message."""
    if KERNELS:
        return
    skip = pytest.mark.skip(reason="the extension is not built")
    for item in items:
        if "/engine/" in item.path.as_posix() and "unbuilt" not in item.name:
            item.add_marker(skip)


@pytest.fixture(params=KERNELS or ["none"])
def kernel(request):
    """Every kernel that this machine has."""
    return request.param


@pytest.fixture
def network():
    """A network of two blocks whose sizes are no multiples of anything."""
    rng = np.random.default_rng(3)
    return spec.random_network(rng, 37, 29, 21, 18, n_blocks=2)


@pytest.fixture
def assert_same():
    """A function: the engine's integers, traces and counts are the reference's."""

    def check(network, x, kernels=KERNELS, layouts=(None,)):
        trace, counts = {}, OverflowCounters()
        y = spec.reference.run(network, x, trace, counts)
        for kernel in kernels:
            for layout in layouts:
                made = engine.Engine(network, kernel, layout=layout)
                own_trace = {}
                own = made.run(x, own_trace)
                where = f"{kernel} {layout}"
                assert own_trace.keys() == trace.keys(), where
                for name, value in trace.items():
                    np.testing.assert_array_equal(
                        own_trace[name], value, f"{where} {name}"
                    )
                np.testing.assert_array_equal(own, y, where)
                assert own.dtype == y.dtype
                assert dict(made.counters) == dict(counts), where

    return check
