# SPDX-License-Identifier: BSD-3-Clause
"""Compiling: Lava's compiler looks for models once for each class of Processes."""

import sys
from collections import Counter

import inline_networks.process
import pytest
from inline_networks import Scripted
from lava.magma.compiler.compiler_graphs import ProcGroupDiGraphs
from lava.magma.core.decorator import implements
from lava.magma.core.model.py.model import PyLoihiProcessModel
from lava.magma.core.run_configs import Loihi2SimCfg
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol


@pytest.fixture
def searched(monkeypatch):
    """How often the models of a class were looked for."""
    counts, look = Counter(), ProcGroupDiGraphs._find_proc_models_in_module

    def counted(proc, module):
        if module is sys.modules[type(proc).__module__]:
            counts[type(proc)] += 1
        return look(proc, module)

    method = staticmethod(counted)
    monkeypatch.setattr(ProcGroupDiGraphs, "_find_proc_models_in_module", method)
    return counts


class Remembers(Loihi2SimCfg):
    """Keeps what it could have chosen."""

    def select(self, process, proc_models):
        self.models = proc_models
        return super().select(process, proc_models[-1:])


def compiled():
    first, cfg = Scripted(), Remembers()
    last = first
    for _ in range(3):
        following = Scripted()
        last.out.connect(following.inp)
        last = following
    first.compile(cfg)
    return cfg.models


def test_models_are_looked_for_once_in_a_network(searched):
    assert compiled()
    assert searched == {Scripted: 1}


def test_the_next_network_sees_what_has_changed(searched, monkeypatch):
    before, module = compiled(), inline_networks.process
    members = {"__module__": module.__name__}
    added = type("Added", (PyLoihiProcessModel,), members)
    added = implements(proc=Scripted, protocol=LoihiProtocol)(added)
    monkeypatch.setattr(module, "Added", added, raising=False)
    assert compiled() == [added, *before]
    assert searched == {Scripted: 2}
