# SPDX-License-Identifier: BSD-3-Clause
"""Two threads of which one is interrupted by signals, wherever it is just then."""

import contextlib
import signal
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from lava_sparse_rnn import handover
from lava_sparse_rnn.audio.live.session import Gaps, Live
from lava_sparse_rnn.handover import Handover, Hint, News

# The other method needs the timer that these tests set for themselves.
pytestmark = pytest.mark.timeout(method="thread")


class SignalError(Exception):
    """Raised by the handler."""


@pytest.fixture
def interrupting():
    """Call a function again and again until a signal that comes soon has ended it.

    The signal comes once. Within a callback, as of the garbage collection, nobody hears
    what its handler raises: the calls end then, too.
    """
    came = False

    def handler(number, frame):
        nonlocal came
        came = True
        raise SignalError

    def until(function, seconds):
        nonlocal came
        came = False
        signal.setitimer(signal.ITIMER_REAL, seconds)
        while not came:
            function()

    def run(function, times=1000):
        rng = np.random.default_rng(0)
        for _ in range(times):
            with contextlib.suppress(SignalError):
                until(function, rng.uniform(1e-5, 3e-4))

    before = signal.signal(signal.SIGALRM, handler)
    yield run
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


def within(seconds, function):
    """Whether a function ends in so many seconds, in a thread that nobody waits for."""
    thread = threading.Thread(target=function, daemon=True)
    thread.start()
    thread.join(seconds)
    return not thread.is_alive()


def test_news_that_were_waited_for_can_still_be_told(interrupting):
    news = News()
    interrupting(lambda: news.wait(1e-5))
    assert not news.wait(0)
    assert within(20, news.tell)
    assert news.wait()
    assert news.wait(-1)
    assert not News().wait(-1)


def test_no_time_to_wait_is_none():
    """Of a queue of Python 3.10's one wait in 2,000 had no end then."""

    def wait():
        for _ in range(30_000):
            assert not News().wait(0)

    assert within(60, wait)


def test_a_limit_of_time_outlasts_a_handler_that_takes_longer():
    told = News()
    after = threading.Timer(20, told.tell)  # so that it ends, if only then
    after.start()
    before = signal.signal(signal.SIGALRM, lambda *_: time.sleep(0.1))
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.01)
        begun = time.monotonic()
        assert not told.wait(0.05)
        assert time.monotonic() - begun < 10
    finally:
        signal.signal(signal.SIGALRM, before)
        after.cancel()


def test_nobody_else_waits_at_a_queue():
    """What a queue forgets, see `handover`, is looked after in one place."""
    package = Path(handover.__file__).parent
    users = [p for p in package.rglob("*.py") if "SimpleQueue" in p.read_text("utf-8")]
    assert users == [package / "handover.py"]


def test_hints_nobody_waited_for_are_one():
    hint = Hint()
    assert not hint.wait(0)
    hint.give()
    hint.give()
    assert hint.wait(0)
    assert not hint.wait(-1)
    assert within(20, lambda: (hint.give(), hint.wait(), hint.give(), hint.wait(1e99)))


def test_a_handover_goes_on_after_signals(interrupting):
    handover, taken = Handover(2), []

    def produce():
        for number in range(10**9):
            if not handover.put(number):
                return

    producer = threading.Thread(target=produce, daemon=True)
    producer.start()
    interrupting(lambda: taken.append(handover.get()), 300)
    assert taken == sorted(set(taken))
    assert taken[-1] > 300
    handover.close()
    producer.join(20)
    assert not producer.is_alive()


def test_a_handover_has_room_for_so_many_and_keeps_their_order():
    handover, put = Handover(3), []

    def produce():
        for number in range(5):
            handover.put(number)
            put.append(number)

    thread = threading.Thread(target=produce, daemon=True)
    thread.start()
    end = time.monotonic() + 20
    while len(put) < 3 and time.monotonic() < end:
        time.sleep(0.001)
    time.sleep(0.05)
    assert (put, handover.waiting) == ([0, 1, 2], 3)
    assert [handover.get() for _ in range(5)] == list(range(5))
    thread.join(20)
    handover.close()
    assert not handover.put(5)


class Silence:
    """A denoiser, a source and a sink: nothing comes until it stops."""

    delay, sample_rate, latency, aligned = 1, 16000, 0.0, True
    gaps = Gaps()

    def process(self, samples):
        return samples

    def flush(self):
        return np.zeros(0, np.float32)

    def reset(self):
        """Nothing has to be reset."""

    start = reset

    def close(self, complete=True):
        """Nothing has to be closed."""

    def read(self, stop):
        time.sleep(0.001)
        return None if stop.is_set() else np.zeros(0, np.float32)


def test_a_session_ends_whatever_line_signals_come_at(interrupting):
    """A lock that a handler had left taken let a session hang after its last word."""
    session = Live(Silence(), Silence(), Silence())
    session.start()
    interrupting(lambda: session.join(1e-5))
    session.stop()
    assert session.join(20)
