# SPDX-License-Identifier: BSD-3-Clause
"""Who is blamed when processes of Lava's own runtime end, in whatever order."""

import time
from types import SimpleNamespace

import pytest

from lava_sparse_rnn.proc._runtime.processes import watch


class Actor:
    """Ends after some seconds, with an exit code and perhaps a report."""

    def __init__(self, after, code, error=None):
        self.at, self.code, self.error = time.monotonic() + after, code, error

    @property
    def exitcode(self):
        return self.code if time.monotonic() >= self.at else None

    @property
    def exception(self):
        reported = self.error is not None and self.exitcode is not None
        return (self.error, "a trace") if reported else None


def runtime_of(*actors):
    return SimpleNamespace(
        _messaging_infrastructure=SimpleNamespace(actors=list(actors)),
        _executable=SimpleNamespace(
            proc_builders=[SimpleNamespace(name=f"p{i}") for i in range(len(actors))]
        ),
    )


def test_the_report_of_another_is_waited_for():
    runtime = runtime_of(Actor(0, 0), Actor(0.1, 0, TypeError("mine")), Actor(9, 0))
    with pytest.raises(TypeError, match="mine") as info:
        watch.raise_ended(runtime)
    assert "in p1" in str(info.value.__cause__)


def test_who_ended_with_an_error_code_is_blamed_at_once():
    start = time.monotonic()
    with pytest.raises(watch.ActorDiedError, match=r"p1 .*exit code -9"):
        watch.raise_ended(runtime_of(Actor(0, 0), Actor(0, -9)))
    assert time.monotonic() - start < watch.GRACE_SECONDS / 2


def test_without_any_report_the_first_one_is_named(monkeypatch):
    monkeypatch.setattr(watch, "GRACE_SECONDS", 0.05)
    with pytest.raises(watch.ActorDiedError, match=r"p0 .*exit code 0"):
        watch.raise_ended(runtime_of(Actor(0, 0), Actor(9, 0)))


def test_while_all_run_nothing_is_waited_for():
    start = time.monotonic()
    watch.raise_ended(runtime_of(Actor(9, 0), Actor(9, 0)))
    assert time.monotonic() - start < watch.GRACE_SECONDS / 2
