# SPDX-License-Identifier: BSD-3-Clause
"""Models for neurocores, with a stand-in for the closed extension; no hardware."""

import sys
import types

import numpy as np
import pytest
from lava.magma.core.model.model import AbstractProcessModel
from lava.magma.core.resources import Loihi2NeuroCore
from lava.magma.core.run_conditions import RunSteps
from lava.magma.core.run_configs import Loihi2HwCfg

from lava_sparse_rnn import microcode, proc, spec
from lava_sparse_rnn.loihi2 import DeploymentError, nc
from lava_sparse_rnn.netx import hdf5


class Recorder:
    """An allocator that keeps what it is given."""

    def __init__(self):
        self.calls = []

    def allocate(self, net, neurons):
        self.calls.append((net, neurons))


@pytest.fixture(scope="module")
def network():
    return spec.random_network(np.random.default_rng(3), 4, 6, 5, 3, 1)


def processes(network):
    """One Process of each neuron group, with tokens that come late and far apart."""
    encoder, block = network.layers[:2]
    timing = {"depth": 2, "period": 5, "reset_interval": 20}
    for cls, layer in (
        (proc.Affine, encoder),
        (proc.Recurrence, block),
        (proc.Readout, block),
        (proc.Gate, block),
    ):
        yield cls.of(layer, network.recipe, **timing)


def test_programs_and_parameters_are_handed_on(network):
    recorder, net = Recorder(), object()
    models = nc.models(recorder)
    made = list(processes(network))
    assert set(models) == {type(p) for p in made}
    for process in made:
        model = models[type(process)]
        assert issubclass(model, nc.AbstractNcProcessModel)
        assert model.required_resources == [Loihi2NeuroCore]
        assert model.implements_process is type(process)
        model(process.proc_params).allocate(net)
    for process, (given, neurons) in zip(made, recorder.calls, strict=True):
        assert given is net
        timing = microcode.Timing(2, 5, 20)
        part = neurons.part
        assert part.name == type(process).__name__.lower()
        assert part.program == microcode.program_for(process.group, timing)
        expected = microcode.constants_for(process.group, timing)
        assert part.constants.keys() == expected.keys()
        for name, value in expected.items():
            assert np.array_equal(part.constants[name], value)
        assert microcode.assemble(part.text) == part.program
        # Every port and every accumulator and output, by names that exist.
        ports = {port.name for port in process.in_ports} | {
            port.name for port in process.out_ports
        }
        assert ports == {*neurons.inputs, *neurons.outputs}
        kinds = microcode.Kind
        for names, kind in (
            (neurons.inputs.values(), kinds.ACCUMULATOR),
            (neurons.outputs.values(), kinds.OUTPUT),
        ):
            assert sorted(names) == sorted(d.name for d in part.program.of_kind(kind))
        for state in neurons.states:
            assert getattr(process, state).shape == (part.neurons,)


def test_what_is_handed_on_computes_the_group(network):
    """The recorded parts, as neurons: the same integers as the Process's equation."""
    recorder = Recorder()
    models = nc.models(recorder)
    rng = np.random.default_rng(0)
    for process in processes(network):
        models[type(process)](process.proc_params).allocate(None)
        part = recorder.calls[-1][1].part
        neurons = microcode.Interpreter(
            *(part.program, part.constants, part.neurons),
            rounding=part.rounding,
            overflow=part.overflow,
        )
        alone = microcode.interpreter_for(
            process.group, network.recipe.rounding, timing=microcode.Timing(2, 5, 20)
        )
        for _ in range(30):
            arrives = {
                d.name: rng.integers(-30000, 30000, part.neurons)
                for d in part.program.of_kind(microcode.Kind.ACCUMULATOR)
            }
            sent, expected = neurons.step(arrives), alone.step(arrives)
            assert all(np.array_equal(sent[k], expected[k]) for k in expected)


def test_resets_that_the_program_cannot_do(network):
    recorder = Recorder()
    process = proc.Recurrence.of(
        network.layers[1], network.recipe, reset_interval=4, reset_offset=2
    )
    model = nc.models(recorder)[proc.Recurrence](process.proc_params)
    with pytest.raises(DeploymentError, match="reset_offset is 2, .* must be 0"):
        model.allocate(None)
    assert not recorder.calls


def test_lava_selects_them_where_it_is_told(network):
    models = nc.models(Recorder())
    cfg = Loihi2HwCfg(exception_proc_model_map=models)
    for process in processes(network):
        others = [models[proc.Affine], models[proc.Gate]]
        assert cfg.select(process, others) is models[type(process)]


@pytest.fixture
def extension(monkeypatch):
    """The public outline of the closed extension, as lava-nc's own imports name it."""

    class AbstractNcProcessModel(AbstractProcessModel):
        def allocate(self, net):
            raise NotImplementedError

    for name in ("lava.magma.core.model.nc", "lava.magma.core.model.nc.model"):
        monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
    module = sys.modules["lava.magma.core.model.nc.model"]
    monkeypatch.setattr(
        module, "AbstractNcProcessModel", AbstractNcProcessModel, raising=False
    )
    return AbstractNcProcessModel


def test_the_extensions_class_is_used_where_it_is(extension, network):
    # A second copy of the module, imported as on a machine that has the extension.
    copy = types.ModuleType("nc_with_extension")
    sys.modules[copy.__name__] = copy
    with open(nc.__file__, encoding="utf-8") as file:
        exec(compile(file.read(), nc.__file__, "exec"), copy.__dict__)
    try:
        recorder = Recorder()
        model = copy.models(recorder)[proc.Gate]
        assert issubclass(model, extension)
        assert not issubclass(model, nc.AbstractNcProcessModel)
        process = proc.Gate.of(network.layers[1], network.recipe)
        model(process.proc_params).allocate("net")
        assert recorder.calls[0][0] == "net"
    finally:
        del sys.modules[copy.__name__]


MISSING = "(?s)Loihi2HwCfg needs Lava's extension.*deploy NET -o BUNDLE.*docs/deploy.md"


def test_proc_run_says_what_is_missing(network):
    x = np.zeros((2, 4), np.int64)
    with pytest.raises(proc.NoHardwareError, match=MISSING):
        proc.run(network, x, run_cfg=Loihi2HwCfg(select_tag="fixed_pt"))
    with pytest.raises(ImportError, match=MISSING):
        proc.Session(network, run_cfg=Loihi2HwCfg())


def test_netx_says_what_is_missing(network, tmp_path):
    network.save(tmp_path / "n.net")
    net = hdf5.Network(net_config=str(tmp_path / "n.net"))
    with pytest.raises(proc.NoHardwareError, match=MISSING):
        net.run(condition=RunSteps(1), run_cfg=Loihi2HwCfg())
