# SPDX-License-Identifier: BSD-3-Clause
"""What the tests of the runtime share."""

import sys
from pathlib import Path

import pytest

from lava_sparse_rnn import inline

sys.path.insert(0, str(Path(__file__).parent))  # of inline_networks


@pytest.fixture
def inside():
    """Networks that the test runs have the runtime in this process."""
    with inline.runtime():
        yield
