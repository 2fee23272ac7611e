# SPDX-License-Identifier: BSD-3-Clause
# pyright: reportAttributeAccessIssue=false
# (Lava gives models their Vars and ports when it builds them)
"""Model of `ResettingLIF`."""

from typing import Any

from lava.proc.lif.models import PyLifResetModelBitAcc

from lava_sparse_rnn.netx._resetting_lif.process import ResettingLIF
from lava_sparse_rnn.proc.neurons import TokenSchedule


class PyResettingLIFModel(PyLifResetModelBitAcc):
    """Lava's model, with resets that a reset from outside shifts."""

    # Lava's decorator refuses a model whose base implements another Process.
    implements_process = ResettingLIF

    def __init__(self, proc_params: Any) -> None:
        super().__init__(proc_params)
        self.first_offset = self.reset_offset
        self.schedule = TokenSchedule(proc_params["timing"], proc_params["clock"])

    def run_spk(self) -> None:
        if self.schedule.update(self.time_step - 1):
            offset = self.first_offset + self.schedule.origin
            self.reset_offset = offset % self.reset_interval
        super().run_spk()
