# SPDX-License-Identifier: BSD-3-Clause
"""How torch's threads wait for each other; they read it when torch is imported.

GNU's OpenMP, which torch for Linux brings, lets a thread that has nothing to do spin
for milliseconds. On a busy machine it takes a core from the others meanwhile. One that
sleeps at once has to be woken hundreds of times in a training step, often on the core
that wakes it, where it waits again. A short while of spinning is nearly as good as no
sleep, and takes next to nothing from others (``docs/training.md``, "Speed of a step").
"""

from __future__ import annotations

from collections.abc import MutableMapping

WAITING = {"OMP_WAIT_POLICY": "passive", "GOMP_SPINCOUNT": "3000"}
"""GNU's number of turns, some 50 microseconds, counts before its policy; that is for
other OpenMP libraries, and for more threads than cores, which sleep at once."""


def wait_briefly(environment: MutableMapping[str, str]) -> bool:
    """Set `WAITING`, unless the user has said anything of it; whether it was set."""
    if WAITING.keys() & environment.keys():
        return False
    environment.update(WAITING)
    return True
