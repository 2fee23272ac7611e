# SPDX-License-Identifier: BSD-3-Clause
"""Training of denoisers: configuration, data, loop, checkpoints."""

from .config import TrainConfig
from .frontend import FrontEnd
from .loop import Trainer, run

__all__ = ["FrontEnd", "TrainConfig", "Trainer", "run"]
