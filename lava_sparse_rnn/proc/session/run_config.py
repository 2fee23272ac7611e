# SPDX-License-Identifier: BSD-3-Clause
"""Which models a run uses."""

from __future__ import annotations

from typing import Any

from lava.magma.core.model.model import AbstractProcessModel
from lava.magma.core.process.process import AbstractProcess
from lava.magma.core.run_configs import Loihi2SimCfg

from lava_sparse_rnn.fixed_point import Brief, check_flag, choose
from lava_sparse_rnn.inline import check
from lava_sparse_rnn.inline.stock import quick

MICROCODE = "microcode"
TAGS = ("fixed_pt", "floating_pt", MICROCODE)


class RunCfg(Brief, Loihi2SimCfg):
    """Lava's `Loihi2SimCfg` in the terms of this library.

    Parameters
    ----------
    tag : {"fixed_pt", "floating_pt", "microcode"}
        Integers; real numbers in the same units; or integers by neuron programs,
        see `MicrocodeSimCfg`.
    layered : bool
        Networks of neuron groups and Lava's connections, a Lava Process each, instead
        of one Process for a whole network.
    runtime : {"inline", "processes"}, optional
        In this process, or Lava's own runtime with an operating-system process each.
        Left out, `inline.runtime` and `inline.install` decide; without them a Process
        of this library runs in this process, a stock one as Lava does.
    **kwargs
        Of `Loihi2SimCfg`.
    """

    def __init__(
        self,
        tag: str = "fixed_pt",
        *,
        layered: bool = False,
        runtime: str | None = None,
        **kwargs: Any,
    ) -> None:
        choose("tag", tag, TAGS)
        check_flag("layered", layered)
        self.runtime = None if runtime is None else check(runtime)
        super().__init__(select_tag=tag, select_sub_proc_model=layered, **kwargs)
        # For Processes that have no program, among them all of Lava's own.
        self._without_program = Loihi2SimCfg(
            **kwargs | {"select_tag": "fixed_pt", "select_sub_proc_model": True}
        )

    def _about(self) -> str:
        layered, tag = self.select_sub_proc_model, self.select_tag
        return f"{tag!r}, layered={layered}, runtime={self.runtime!r}"

    def select(
        self,
        process: AbstractProcess,
        proc_models: list[type[AbstractProcessModel]],
    ) -> type[AbstractProcessModel]:
        """The model of a Process, of those that Lava has found, or a quicker one."""
        programmed = any(MICROCODE in model.tags for model in proc_models)
        if self.select_tag == MICROCODE and not programmed:
            return quick(self._without_program.select(process, proc_models))
        return quick(super().select(process, proc_models))


class MicrocodeSimCfg(RunCfg):
    """Neuron programs wherever a Process has one.

    A Process without a model tagged ``microcode`` is taken apart where it can be,
    so that programs inside it run, and is ``fixed_pt`` where it cannot.

    Parameters
    ----------
    layered : bool
        See `RunCfg`.
    **kwargs
        Of `Loihi2SimCfg`.
    """

    def __init__(self, *, layered: bool = False, **kwargs: Any) -> None:
        super().__init__(MICROCODE, layered=layered, **kwargs)
