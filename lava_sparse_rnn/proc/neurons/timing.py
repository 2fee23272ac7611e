# SPDX-License-Identifier: BSD-3-Clause
"""When tokens arrive: timing modes, resets, and what a paused network is told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from lava_sparse_rnn.fixed_point import Brief, SpecError, check_whole, choose
from lava_sparse_rnn.proc._runtime.memory import SharedMemory

MODES: dict[str, Callable[[int], int]] = {
    "pipelined": lambda latency: 1,
    "fall_through": lambda latency: latency,
}
"""Ways to feed tokens: time steps from one to the next, of a network's latency."""


def period_of(mode: str, latency: int) -> int:
    """Time steps from one token to the next in a timing mode.

    Raises
    ------
    SpecError
        When there is no such mode.
    """
    return choose("mode", mode, MODES)(latency)


@dataclass(frozen=True)
class Timing:
    """In which time steps a place in a network has a token.

    Token ``t`` is there in step ``depth + t * period``, counted from 0.

    Parameters
    ----------
    depth : int
        Step of the first token: hops from the network's input.
    period : int
        Steps from one token to the next.
    reset_interval : int, optional
        Steps from one reset of the states to the next; a multiple of `period`.
        None for no resets.
    reset_offset : int
        Steps from the first token to the first reset (modulo the interval); a
        multiple of `period`.

    Raises
    ------
    SpecError
    """

    depth: int = 0
    period: int = 1
    reset_interval: int | None = None
    reset_offset: int = 0

    def __post_init__(self) -> None:
        least = {"depth": 0, "period": 1, "reset_interval": 1, "reset_offset": 0}
        for name, lowest in least.items():
            value = getattr(self, name)
            if value is not None or name != "reset_interval":
                object.__setattr__(self, name, check_whole(name, value, lowest))
        for name in ("reset_interval", "reset_offset"):
            value = getattr(self, name)
            if value is not None and value % self.period:
                text = f"must be a multiple of the {self.period} steps of a token"
                raise SpecError(f"{name} is {value}, {text}")

    def later(self, hops: int) -> Timing:
        """The same tokens and resets, ``hops`` steps later."""
        return replace(self, depth=self.depth + hops)

    def resets(self, token: int) -> bool:
        """Whether the state is set to zero before a token."""
        if self.reset_interval is None:
            return False
        return (token * self.period - self.reset_offset) % self.reset_interval == 0

    def arguments(self) -> dict[str, Any]:
        """The fields by name, as Processes take them."""
        return asdict(self)


EPOCH, CLEARED, NUM_TOKENS = range(3)
UNLIMITED = -1


def _limit(num_tokens: int | None) -> int:
    return UNLIMITED if num_tokens is None else check_whole("num_tokens", num_tokens)


class Clock(Brief):
    """What a Process tells its models between two runs, without messages.

    It lives in memory that forked models share with their parent. Tokens are
    counted anew from each `begin`, the first one arriving in the next step.

    Parameters
    ----------
    num_tokens : int, optional
        How many tokens arrive; None for one every period without end.
    """

    def __init__(self, num_tokens: int | None = None) -> None:
        self._memory = SharedMemory(3 * np.dtype(np.int64).itemsize)
        self.words = self._memory.array((3,))
        self.words[NUM_TOKENS] = _limit(num_tokens)

    def _about(self) -> str:
        return f"num_tokens={self.num_tokens}"

    def __getstate__(self) -> SharedMemory:
        return self._memory

    def __setstate__(self, memory: SharedMemory) -> None:
        self._memory, self.words = memory, memory.array((3,))

    def begin(self, num_tokens: int | None = None, clear: bool = False) -> None:
        """Count tokens from the next time step on.

        Only while the network is paused.

        Parameters
        ----------
        num_tokens : int, optional
        clear : bool
            Tokens in flight are dropped, and the pipeline fills anew.
        """
        self.words[NUM_TOKENS] = _limit(num_tokens)
        self.words[EPOCH] += 1
        self.words[CLEARED] += clear

    @property
    def num_tokens(self) -> int | None:
        """How many tokens arrive; None for no end."""
        limit = int(self.words[NUM_TOKENS])
        return None if limit == UNLIMITED else limit


class TokenSchedule(Brief):
    """A model's view of a `Clock`: which token is here in a time step.

    Parameters
    ----------
    timing : Timing
        Of the place of the model.
    clock : Clock

    Attributes
    ----------
    origin : int
        The step of the last reset from outside; 0 before any.
    """

    def __init__(self, timing: Timing, clock: Clock) -> None:
        self.timing, self.clock = timing, clock
        self.origin = self._start = self._before = 0
        self._read()

    def _about(self) -> str:
        return f"{self.timing}, {self.clock}"

    def _read(self) -> None:
        # Once per segment: a clock's words are an array, and slow to index.
        self._epoch, self._cleared = (int(n) for n in self.clock.words[:NUM_TOKENS])
        self._limit = self.clock.num_tokens

    def update(self, step: int) -> bool:
        """Look whether `Clock.begin` was called before time step ``step``."""
        if self.clock.words[EPOCH] == self._epoch:
            return False
        seen = len(range(self._start, step, self.timing.period))
        self._before += seen if self._limit is None else min(seen, self._limit)
        cleared = self._cleared
        self._read()
        self._start = step
        if self._cleared != cleared:
            self.origin, self._before = step, 0
        return True

    def token(self, step: int) -> int | None:
        """The token, counted from `Clock.begin`, that is here; None for none."""
        since = step - self._start - self.timing.depth
        if since < 0 or since % self.timing.period:
            return None
        token = since // self.timing.period
        return token if self._limit is None or token < self._limit else None

    def ended(self, step: int) -> bool:
        """Whether no token comes any more until `Clock.begin`."""
        since = step - self._start - self.timing.depth
        return self._limit is not None and since >= self._limit * self.timing.period

    @property
    def before(self) -> int:
        """Tokens of the sequence that came before this segment."""
        return self._before

    def resets(self, token: int) -> bool:
        """Whether the state is set to zero before a token of this segment."""
        return self.timing.resets(self._before + token)
