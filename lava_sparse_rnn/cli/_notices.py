# SPDX-License-Identifier: BSD-3-Clause
"""Lines that several commands end with."""

from __future__ import annotations

from collections.abc import Mapping

from rich.console import Console


def overflows(screen: Console, counters: Mapping[str, int]) -> None:
    """Say which tensors overflowed and how often, if any."""
    if total := sum(counters.values()):
        found = sorted((name, count) for name, count in counters.items() if count)
        parts = ", ".join(f"{name} {count}" for name, count in found)
        screen.print(f"{total} values did not fit their format: {parts}")


def speed(sound_s: float, seconds: float) -> str:
    """How long some sound took, as a sentence without its end."""
    text = f"{sound_s:.2f} s of sound in {seconds:.2f} s"
    if sound_s <= 0 or seconds <= 0:
        return text
    times = sound_s / seconds
    return f"{text}, {times:,.{0 if times >= 10 else 2}f} times real time"
