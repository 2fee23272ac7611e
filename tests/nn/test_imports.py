# SPDX-License-Identifier: BSD-3-Clause
"""The room works without Lava."""

import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow


def test_nn_does_not_import_lava():
    code = "import sys, lava_sparse_rnn.nn; sys.exit('lava' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
