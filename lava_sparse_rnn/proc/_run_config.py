# SPDX-License-Identifier: BSD-3-Clause
"""Which models a run uses."""

from __future__ import annotations

from typing import Any

from lava.magma.core.run_configs import Loihi2SimCfg

from lava_sparse_rnn.fixed_point import choose

TAGS = ("fixed_pt", "floating_pt")


class RunCfg(Loihi2SimCfg):
    """Lava's `Loihi2SimCfg` in the terms of this library.

    Parameters
    ----------
    tag : {"fixed_pt", "floating_pt"}
        Integers, or real numbers in the same units.
    layered : bool
        Networks of neuron groups and Lava's connections, an operating-system
        process each, instead of one process for a whole network.
    **kwargs
        Of `Loihi2SimCfg`.
    """

    def __init__(
        self, tag: str = "fixed_pt", *, layered: bool = False, **kwargs: Any
    ) -> None:
        choose("tag", tag, dict.fromkeys(TAGS))
        super().__init__(select_tag=tag, select_sub_proc_model=layered, **kwargs)
