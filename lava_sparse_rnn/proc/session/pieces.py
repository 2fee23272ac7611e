# SPDX-License-Identifier: BSD-3-Clause
"""What the steps without a token, after a piece of a sequence, do to a network."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from lava.magma.compiler.compiler_graphs import find_processes
from lava.magma.core.process.process import AbstractProcess
from lava.proc.conv.process import Conv
from lava.proc.dense.process import Dense
from lava.proc.io.source import RingBuffer
from lava.proc.sparse.process import DelaySparse, Sparse

from lava_sparse_rnn.fixed_point import Brief, SpecError
from lava_sparse_rnn.inline.registers import with_parents
from lava_sparse_rnn.proc.neurons.process import Process, TimedProcess

EMPTIED = (Conv, Dense, Sparse)
"""Connections that forget in one step what they have received."""


@dataclass
class Pieces(Brief):
    """Whether a network's answers to pieces of a sequence are those to the whole.

    Processes of this library rest in the steps without a token that follow a piece;
    others go on there.

    Parameters
    ----------
    restless : tuple of str
        Types of those that go on.
    begun : bool
        Whether a piece was answered since the last reset.
    """

    restless: tuple[str, ...] = ()
    begun: bool = False

    @classmethod
    def of(cls, process: AbstractProcess) -> Pieces:
        """Those of a compiled Process and all that are connected to it."""
        return cls(tuple(sorted(set(_restless(find_processes(process))))))

    def check(self, num_tokens: int, capacity: int) -> None:
        """Refuse to cut a call, and warn of a further one, where neurons go on.

        Raises
        ------
        SpecError
        """
        if not self.restless or not num_tokens:
            return
        why = f"{', '.join(self.restless)} would go on in the steps after each piece"
        if num_tokens > capacity:
            raise SpecError(
                f"Session: {num_tokens} tokens in one call, capacity is {capacity}, "
                f"and {why}: give capacity={num_tokens}, or use proc.run"
            )
        if self.begun:
            warnings.warn(
                "Session: answers to a further piece are not those to the whole, as "
                f"{why}: run the whole sequence at once, or reset between sequences",
                stacklevel=4,  # who called `Session.run`, behind its lock
            )
        self.begun = True


def _restless(processes: Iterable[AbstractProcess]) -> Iterator[str]:
    for process in processes:
        parts: list[Any] = process.procs.members
        if not parts and process.out_ports.members and not _rests(process):
            yield type(process).__name__
        yield from _restless(parts)


def _rests(process: Any) -> bool:
    if isinstance(process, Process) or type(process) in EMPTIED:
        return True
    if type(process) is RingBuffer:  # a constant is the same in every step
        return process.proc_params["data"].shape[-1] == 1
    # A delay inside one of ours is as long as the path beside it.
    _, *parents = with_parents(process)
    return type(process) is DelaySparse and isinstance(parents[0], TimedProcess)
