# SPDX-License-Identifier: BSD-3-Clause
"""Two threads of which one is interrupted by signals, wherever it is just then."""

import signal
import threading
import time

import numpy as np
import pytest

from lava_sparse_rnn.audio.live.session import Gaps, Live
from lava_sparse_rnn.handover import Handover, News


class SignalError(Exception):
    """Raised by the handler."""


@pytest.fixture
def interrupting():
    """Call a function again and again until a signal that comes soon has ended it."""

    def handler(number, frame):
        raise SignalError

    def until(function, seconds):
        signal.setitimer(signal.ITIMER_REAL, seconds)
        while True:
            function()

    def run(function, times=1000):
        rng = np.random.default_rng(0)
        for _ in range(times):
            with pytest.raises(SignalError):
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
