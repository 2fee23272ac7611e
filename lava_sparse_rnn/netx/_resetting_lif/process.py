# SPDX-License-Identifier: BSD-3-Clause
"""Lava's neurons that reset themselves, and count from the last reset from outside."""

from __future__ import annotations

from typing import Any

from lava.proc.lif.process import LIFReset

from lava_sparse_rnn.proc import Clock, Timing


class ResettingLIF(LIFReset):
    """A `LIFReset` whose time steps begin anew when its network's clock is cleared.

    Lava's own counts the steps since the network was started: after `proc.reset` it
    would reset itself in the midst of sequences.
    """

    @classmethod
    def instead_of(cls, neuron: Any, timing: Timing, clock: Clock) -> None:
        """Make one of a `LIFReset` that exists, as lava-dl's blocks choose theirs.

        Parameters
        ----------
        neuron : LIFReset
        timing : Timing
        clock : Clock
            Of the network.
        """
        neuron.__class__ = cls
        for name, value in (("timing", timing), ("clock", clock)):
            neuron.proc_params.overwrite(name, value)
