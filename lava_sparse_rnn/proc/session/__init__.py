# SPDX-License-Identifier: BSD-3-Clause
"""What a user calls: a network that runs, once or piece by piece."""

from lava_sparse_rnn.proc.session.run import run
from lava_sparse_rnn.proc.session.run_config import MicrocodeSimCfg, RunCfg
from lava_sparse_rnn.proc.session.session import Session, overflows

__all__ = ["MicrocodeSimCfg", "RunCfg", "Session", "overflows", "run"]
