# SPDX-License-Identifier: BSD-3-Clause
"""A training that a signal ends has lost no step, and goes on bit by bit."""

import signal
import threading

import pytest
import torch

from lava_sparse_rnn.signals import uninterrupted
from lava_sparse_rnn.train import loop, open_float
from lava_sparse_rnn.train.stops import one_step


class Asked(BaseException):
    """Raised by the handler of a signal, as `cli.Stopped` is."""


@pytest.fixture(autouse=True)
def _handled():
    """SIGTERM raises `Asked`, SIGINT KeyboardInterrupt."""

    def handler(number, frame):
        raise Asked(number)

    own = {signal.SIGTERM: handler, signal.SIGINT: signal.default_int_handler}
    before = {number: signal.signal(number, own[number]) for number in own}
    yield
    left = {number: signal.signal(number, before[number]) for number in own}
    assert left == own


@pytest.mark.parametrize(
    ("number", "error"), [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, Asked)]
)
def test_the_first_signal_waits_and_the_second_does_not(number, error):
    done = []

    def once():
        with one_step():
            signal.raise_signal(number)
            done.append(1)

    def twice():
        with one_step():
            signal.raise_signal(number)
            with uninterrupted():
                signal.raise_signal(signal.SIGTERM)
                done.append(2)
            done.append(3)

    for step in (once, twice):
        with pytest.raises(error):
            step()
    assert done == [1, 2]


def test_a_signal_is_told_of_beside_an_error_of_the_step():
    def step():
        with one_step():
            signal.raise_signal(signal.SIGTERM)
            raise ValueError("of the step")

    with pytest.raises(Asked) as caught:
        step()
    assert isinstance(caught.value.__context__, ValueError)


def test_in_a_thread_signals_are_nobodys_business():
    def work():
        with one_step():
            handlers.append(signal.getsignal(signal.SIGTERM))

    handlers = []
    thread = threading.Thread(target=work)
    thread.start()
    thread.join(20)
    assert handlers == [signal.getsignal(signal.SIGTERM)]


def ended_by(tiny, monkeypatch, signals, method):
    """A training whose seventh step gets signals, before a method of it has ended."""
    stage = open_float(tiny(name="parts"))
    own = getattr(type(stage), method)

    def call(self, *arguments):
        result = own(self, *arguments)
        if self.step in (7, 8):
            for number in signals.pop(0) if signals else ():
                signal.raise_signal(number)
        return result

    with monkeypatch.context() as patch:
        patch.setattr(type(stage), method, call)
        with pytest.raises((Asked, KeyboardInterrupt)):
            stage.fit()
    return stage


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize(
    ("method", "step"), [("before_step", 8), ("train_step", 7), ("validate", 8)]
)
def test_no_step_is_lost(tiny, monkeypatch, number, method, step):
    whole = open_float(tiny(name="whole"))
    whole.fit()
    ended_by(tiny, monkeypatch, [[number]], method)
    rest = open_float(tiny(name="parts"))
    assert rest.step == step
    rest.fit()
    assert rest.best == whole.best
    expected, found = whole.model.state_dict(), rest.model.state_dict()
    for name, value in expected.items():
        assert torch.equal(value, found[name]), name
    rows = [s.config.directory / "float.csv" for s in (whole, rest)]
    steps = [[r.split(",")[0] for r in p.read_text().split()] for p in rows]
    assert steps[0] == steps[1]


@pytest.mark.slow
def test_what_a_second_signal_ends_within_a_step_is_not_kept(tiny, monkeypatch):
    open_float(tiny(name="parts")).fit(until=3)
    numbers = [signal.SIGTERM, signal.SIGINT]
    ended_by(tiny, monkeypatch, [numbers], "before_step")
    assert open_float(tiny(name="parts")).step == 3


@pytest.mark.slow
def test_a_signal_while_it_waits_for_material(tiny, monkeypatch):
    def batches(self):
        for k, batch in enumerate(own(self)):
            if k == 5:
                signal.raise_signal(signal.SIGTERM)
            yield batch

    own = loop.Stage.batches
    stage = open_float(tiny(name="parts"))
    with monkeypatch.context() as patch:
        patch.setattr(loop.Stage, "batches", batches)
        with pytest.raises(Asked):
            stage.fit()
    assert open_float(tiny(name="parts")).step == 5


@pytest.mark.slow
@pytest.mark.parametrize("owner", ["save", "close"])
def test_a_signal_after_the_last_step(tiny, monkeypatch, owner):
    place = loop.Ahead if owner == "close" else loop.Stage
    own, signals = getattr(place, owner), [signal.SIGTERM]

    def call(self):
        if signals:
            signal.raise_signal(signals.pop())
        own(self)

    stage = open_float(tiny(name="parts"))
    with monkeypatch.context() as patch:
        patch.setattr(place, owner, call)
        with pytest.raises(Asked):
            stage.fit(until=5)
    assert open_float(tiny(name="parts")).step == 5
