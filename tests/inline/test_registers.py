# SPDX-License-Identifier: BSD-3-Clause
"""Lava's global lists, which several threads and a failing start change."""

import threading

import numpy as np
import pytest
from lava.magma.core.process.process import ProcessServer
from lava.magma.core.process.variable import VarServer
from lava.proc.dense.process import Dense

from lava_sparse_rnn.inline import registers


def dense():
    return Dense(weights=np.ones((1, 1)))


def lists():
    return [*ProcessServer().processes], [*VarServer().vars]


@pytest.mark.slow
def test_processes_of_another_thread_stay_while_others_go():
    kept, stop = [], threading.Event()

    def make():  # Lava's own, which take no lock
        while not stop.is_set():
            kept.append(dense())

    thread = threading.Thread(target=make)
    thread.start()
    try:
        for _ in range(200):
            registers.unregister([dense(), dense()])
    finally:
        stop.set()
        thread.join()
    found = {id(p) for p in ProcessServer().processes}
    assert all(id(p) in found for p in kept)
    variables = {id(v) for v in VarServer().vars}
    assert all(id(v) in variables for p in kept for v in p.vars.members)
    registers.unregister(kept)


def test_a_network_that_ends_waits_for_the_lists():
    process = dense()
    thread = threading.Thread(target=registers.unregister, args=([process],))
    with registers.LOCK:
        thread.start()
        thread.join(0.1)
        assert thread.is_alive()
        assert process in ProcessServer().processes
    thread.join(10)
    assert process not in ProcessServer().processes


@pytest.mark.parametrize("n_gone", range(3))
def test_what_was_registered_before_stays_though_some_of_it_goes(n_gone):
    first = [dense() for _ in range(3)]
    before = registers.registered()
    made = dense()
    registers.unregister(first[:n_gone])
    registers.restore(before)
    processes, variables = lists()
    assert [p in processes for p in first] == [i >= n_gone for i in range(3)]
    assert made not in processes
    assert not any(v.process is made for v in variables)
    registers.unregister(first)
