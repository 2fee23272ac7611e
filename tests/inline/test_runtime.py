# SPDX-License-Identifier: BSD-3-Clause
"""Runs, pauses, errors and deadlocks of networks in one process."""

import gc
import os
import subprocess
import sys
import threading
import time
import traceback

import numpy as np
import pytest
from inline_networks import Async, Scripted
from lava.magma.core.process.process import ProcessServer
from lava.magma.core.run_conditions import RunContinuous, RunSteps
from lava.magma.core.run_configs import Loihi2SimCfg

from lava_sparse_rnn import inline

CFG = Loihi2SimCfg()
pytestmark = pytest.mark.usefixtures("inside")


def counted(model):
    model.state = model.state + 1


def sending(model):
    model.out.send(np.full(2, model.time_step))


def adding(model):
    model.state = model.state + model.inp.recv()


def passing(model):
    model.out.send(model.inp.recv())


def run(process, steps=1, **kwargs):
    process.run(RunSteps(steps, **kwargs), CFG)


def pair(first=sending, second=adding):
    """Two processes, one after the other."""
    one = Scripted({"spk": first}, name="one")
    two = Scripted({"spk": second}, name="two")
    one.out.connect(two.inp)
    return one, two


def test_runs_go_on_where_they_were():
    one, two = pair()
    run(one, 3)
    assert two.state.get().tolist() == [6, 6]
    run(two, 2)
    assert two.state.get().tolist() == [15, 15]
    run(one, 0)
    assert one.runtime.models[one].time_step == 5
    one.stop()
    one.stop()
    with pytest.raises(RuntimeError, match="cannot run again"):
        run(one)


def test_no_process_and_no_thread_is_started():
    before = threading.active_count()
    one, _ = pair(lambda m: sent.append(os.getpid()) or sending(m))
    sent = []
    run(one, 2)
    assert sent == [os.getpid()] * 2
    assert threading.active_count() == before
    one.stop()


def test_a_chain_against_its_order_and_a_circle():
    links = [Scripted({"spk": passing}, name=f"link{i}") for i in range(6)]
    source, sink = pair()
    source.out.out_connections.clear()
    sink.inp.in_connections.clear()
    for a, b in zip([source, *links], [*links, sink], strict=True):
        a.out.connect(b.inp)
    run(sink, 20)
    assert sink.state.get().tolist() == [210, 210]
    sink.stop()

    def round_and_round(model):
        model.out.send(model.state)
        model.state = model.inp.recv() + 1

    circle = [Scripted({"spk": round_and_round}) for _ in range(3)]
    for a, b in zip(circle, [*circle[1:], circle[0]], strict=True):
        a.out.connect(b.inp)
    run(circle[0], 10)
    assert [c.state.get()[0] for c in circle] == [10, 10, 10]
    circle[0].stop()


def test_a_receiver_owns_its_message():
    def spoil(model):
        received = model.inp.recv()
        model.state = received.copy()
        received[:] = -1

    kept = np.arange(2)
    one, two = pair(lambda m: m.out.send(kept), spoil)
    three = Scripted({"spk": adding})
    one.out.connect(three.inp)
    run(one, 2)
    assert two.state.get().tolist() == [0, 1]
    assert three.state.get().tolist() == [0, 2]
    assert kept.tolist() == [0, 1]
    one.stop()


def test_several_senders_are_added_and_wrong_shapes_refused():
    one, two = pair()
    other = Scripted({"spk": sending})
    other.out.connect(two.inp)
    run(two, 2)
    assert two.state.get().tolist() == [6, 6]
    two.stop()
    one, _ = pair(lambda m: m.out.send(np.zeros(3)))
    with pytest.raises(AssertionError, match=r"one.*shape \(3,\), must be \(2,\)"):
        run(one)


def test_more_messages_than_a_channel_holds():
    def many(model):
        for i in range(200):
            model.out.send(np.full(2, i))

    def all_of_them(model):
        model.state = sum(model.inp.recv() for _ in range(200))

    for order in (0, 1):
        processes = pair(many, all_of_them)
        run(processes[order], 2)
        assert processes[1].state.get()[0] == sum(range(200))
        processes[order].stop()


PHASES = ("spk", "pre", "lrn", "post")


def test_phases_in_lavas_order():
    """One process's wish moves all; pre-management only before learning."""
    seen = []

    def script(name, guards):
        calls = {p: lambda m, p=p: seen.append((m.time_step, p, name)) for p in PHASES}
        return calls | {f"{p}_guard": guards.get(p, lambda m: False) for p in PHASES}

    first = {
        "lrn": lambda m: m.time_step == 2,
        "post": lambda m: m.time_step == 3,
        "pre": lambda m: True,
    }
    a = Scripted(script("a", first))
    b = Scripted(script("b", {"post": lambda m: True}))
    a.out.connect(b.inp)
    run(a, 3)
    a.stop()
    other = [(t, p, n) for t, p, n in seen if p != "spk"]
    assert other == [
        (1, "post", "b"),
        (2, "pre", "a"),
        (2, "lrn", "a"),
        (2, "post", "b"),
        (3, "post", "a"),
        (3, "post", "b"),
    ]


@pytest.mark.parametrize("phase", PHASES)
def test_a_model_asks_for_a_pause(phase):
    def ask(model):
        model._req_pause = model.time_step == 3

    process = Scripted({phase: ask})
    if phase == "pre":
        process = Scripted({phase: ask, "lrn": lambda m: None})
    run(process, 10)
    assert process.runtime.models[process].time_step == 3
    assert not process.runtime._is_running
    run(process, 2)
    assert process.runtime.models[process].time_step == 5
    process.stop()


def test_a_model_asks_for_a_stop():
    process = Scripted({"post": lambda m: setattr(m, "_req_stop", m.time_step == 3)})
    run(process, 10)
    assert not process.runtime._is_started
    with pytest.raises(RuntimeError, match="cannot run again"):
        run(process)


def test_runs_that_do_not_block():
    process = Scripted({"spk": counted})
    run(process, 50, blocking=False)
    assert process.runtime._is_running
    process.wait()
    assert not process.runtime._is_running
    assert process.state.get().tolist() == [50, 50]
    run(process, 5, blocking=False)
    run(process, 6, blocking=False)  # after the other one
    run(process, 7)
    assert process.state.get().tolist() == [68, 68]
    process.stop()
    assert threading.active_count() == 1 or not [
        t for t in threading.enumerate() if t.name == "lava network"
    ]


def test_run_continuously_pause_and_go_on():
    moved = threading.Event()
    process = Scripted({"spk": lambda m: counted(m) or moved.set()})
    process.run(RunContinuous(), CFG)
    assert process.state.get() is None  # as in Lava
    with pytest.raises(RuntimeError, match="is running already"):
        run(process)
    process.pause()
    first = process.state.get()[0]
    assert first == process.state.get()[0]
    moved.clear()
    process.run(RunContinuous(), CFG)
    assert moved.wait(30)
    process.pause()
    run(process, 2)
    assert process.state.get()[0] > first + 2
    process.run(RunContinuous(), CFG)
    process.stop()
    assert not process.runtime._is_started


def boom(model):
    if model.time_step == 2:
        raise KeyError("lost")


@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("blocking", [True, False])
def test_a_models_exception_leaves_run_as_itself(phase, blocking):
    one, two = pair()
    script = {"spk": sending, "lrn": lambda m: None}
    script[phase] = boom if phase != "spk" else lambda m: boom(m) or sending(m)
    one.proc_params.overwrite("script", script)
    if not blocking:
        run(two, 5, blocking=False)
    with pytest.raises(KeyError, match="lost") as caught:
        run(two, 5) if blocking else two.wait()
    notes = caught.value.__notes__
    assert notes == ["in one (Scripted), model ScriptedModel, time step 2"]
    text = "".join(traceback.format_exception(caught.value))
    assert "in boom" in text
    assert "time step 2" in text
    assert not two.runtime._is_started
    assert two.runtime.models == {}
    with pytest.raises(RuntimeError, match="cannot run again"):
        run(two)


def test_what_waits_is_unwound_when_another_one_fails():
    unwound = []

    def wait(model):
        try:
            while True:
                try:
                    model.inp.recv()
                except Exception:
                    unwound.append("swallowed")
        finally:
            unwound.append(model.proc_params["name"])

    def wait_and_fail(model):
        model.inp.recv()
        raise KeyError("lost")

    one, two = pair(sending, wait)
    three = Scripted({"spk": wait_and_fail}, name="three")
    one.out.connect(three.inp)
    with pytest.raises(KeyError):
        run(two, 1)
    assert unwound == ["two"]


def test_an_exception_in_building_leaves_nothing():
    process = Scripted({"init": lambda m: 1 / 0})
    with pytest.raises(ZeroDivisionError):
        run(process)
    assert process.runtime is None


def test_a_deadlock_is_an_error_that_names_who_waits():
    def greedy(model):
        model.out.send(model.inp.recv())

    one, two = pair(greedy, greedy)
    two.out.connect(one.inp)
    with pytest.raises(inline.DeadlockError) as caught:
        run(one, 5)
    text = str(caught.value)
    assert "one (Scripted).inp waits for two (Scripted).out" in text
    assert "two (Scripted).inp waits for one (Scripted).out" in text
    one, two = pair(lambda m: [m.out.send(np.zeros(2)) for _ in range(100)], counted)
    with pytest.raises(inline.DeadlockError, match=r"one .*out sends to two"):
        run(one)


def test_networks_side_by_side_and_in_threads():
    a, b = pair(), pair()
    run(a[0], 2)
    run(b[0], 3)
    run(a[0], 1)
    assert a[1].state.get()[0] == b[1].state.get()[0] == 6
    errors = []

    def work(seed):
        try:
            with inline.runtime():
                one, two = pair()
                for _ in range(20):
                    run(one, 5)
                assert two.state.get()[0] == 5050
                one.stop()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    # A network may be run from one thread now, from another one later.
    thread = threading.Thread(target=run, args=(a[0], 4))
    thread.start()
    thread.join()
    assert a[1].state.get()[0] == 28
    a[0].stop()
    b[0].stop()


def test_a_run_within_a_time_step_is_refused():
    inner = Scripted({"spk": counted})
    run(inner)
    outer = Scripted({"spk": lambda m: run(inner)})
    with pytest.raises(RuntimeError, match="has called run of another network"):
        run(outer)
    own = Scripted({"spk": lambda m: run(own)})
    with pytest.raises(RuntimeError, match="has called run of this network"):
        run(own)
    assert inner.state.get()[0] == 1
    inner.stop()


def test_a_model_may_pause_its_own_network():
    process = Scripted({"spk": lambda m: process.pause() if m.time_step == 4 else None})
    run(process, 10)
    assert process.runtime.models[process].time_step == 4
    process.stop()


def test_pause_from_another_thread():
    begun = threading.Event()
    process = Scripted({"spk": lambda m: begun.set() or time.sleep(0.001)})

    def pause():
        begun.wait()
        process.pause()

    thread = threading.Thread(target=pause)
    thread.start()
    run(process, 100_000)
    thread.join()
    assert process.runtime.models[process].time_step < 100_000
    process.stop()


def test_asynchronous_models():
    def produce(model):
        for i in range(model.num_steps):
            model.out.send(np.full(2, i))
        model.state = model.state + model.num_steps

    def consume(model):
        for _ in range(model.num_steps):
            model.state = model.state + model.inp.recv()

    one, two = Async(produce), Async(consume)
    one.out.connect(two.inp)
    run(one, 100)
    assert two.state.get()[0] == sum(range(100))
    run(one, 3)
    assert one.state.get()[0] == 103
    one.stop()


def test_asynchronous_and_stepping_models_together():
    def produce(model):
        for i in range(model.num_steps):
            model.out.send(np.full(2, i))

    one, two = Async(produce), Scripted({"spk": adding})
    one.out.connect(two.inp)
    run(two, 100)
    assert two.state.get()[0] == sum(range(100))
    two.stop()


def test_asynchronous_models_that_look_for_commands():
    moved = threading.Event()

    def forever(model):
        while not (model.check_for_pause_cmd() or model.check_for_stop_cmd()):
            model.state = model.state + 1
            moved.set()

    process = Async(forever)
    process.run(RunContinuous(), CFG)
    assert moved.wait(30)
    process.pause()
    assert process.state.get()[0] > 0
    process.run(RunContinuous(), CFG)
    process.stop()

    def until_it_comes(model):
        while not model.inp.probe():
            pass
        model.state = model.inp.recv()

    one, two = Scripted({"spk": sending}), Async(until_it_comes)
    one.out.connect(two.inp)
    run(one, 1)
    assert two.state.get().tolist() == [1, 1]
    one.stop()


def test_many_runs_leave_nothing():
    def cycle():
        one, two = pair()
        run(one, 2)
        two.state.get()
        one.stop()

    for _ in range(3):
        cycle()
    gc.collect()
    before = (
        threading.active_count(),
        len(os.listdir("/proc/self/fd")),
        len(ProcessServer().processes),
        sum(type(o) is inline.Runtime for o in gc.get_objects()),
    )
    for _ in range(20):
        cycle()
    gc.collect()
    after = (
        threading.active_count(),
        len(os.listdir("/proc/self/fd")),
        len(ProcessServer().processes),
        sum(type(o) is inline.Runtime for o in gc.get_objects()),
    )
    assert after == before


SCRIPT = """
import sys, signal, os
sys.path.insert(0, {folder!r})
from inline_networks import Scripted
from lava.magma.core.run_conditions import RunSteps
from lava.magma.core.run_configs import Loihi2SimCfg
from lava_sparse_rnn import inline

inline.install()
{body}
"""


def script(body, **kwargs):
    """What a script without a __main__ guard prints."""
    code = SCRIPT.format(folder=os.path.dirname(__file__), body=body)
    command = [sys.executable, "-c", code]
    options = {"capture_output": True, "text": True, "timeout": 60}
    done = subprocess.run(command, **options, **kwargs)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_ctrl_c_ends_a_run():
    body = """
def interrupt(model):
    if model.time_step == 3:
        os.kill(os.getpid(), signal.SIGINT)
process = Scripted({"spk": interrupt})
for blocking in (True, False):
    try:
        process = Scripted({"spk": interrupt if blocking else lambda m: None})
        process.run(RunSteps(10**9, blocking), Loihi2SimCfg())
        signal.signal(signal.SIGALRM, lambda *_: os.kill(os.getpid(), signal.SIGINT))
        signal.alarm(1)
        process.wait()
    except KeyboardInterrupt:
        print("interrupted", process.runtime._is_started)
"""
    assert script(body).splitlines() == ["interrupted False"] * 2


@pytest.mark.slow
def test_breakpoints_stop_in_a_model():
    body = """
def stop(model):
    breakpoint()
    model.state = model.state + 1
process = Scripted({"spk": stop})
process.run(RunSteps(1), Loihi2SimCfg())
print("state", process.state.get())
"""
    out = script(body, input="p model.time_step\nn\nc\n")
    assert "(Pdb) 1" in out
    assert "state [1. 1.]" in out


@pytest.mark.slow
def test_a_script_may_end_while_a_network_runs():
    body = """
from lava.magma.core.run_conditions import RunContinuous
process = Scripted({"spk": lambda m: None})
process.run(RunContinuous(), Loihi2SimCfg())
print("end")
"""
    assert script(body) == "end\n"
