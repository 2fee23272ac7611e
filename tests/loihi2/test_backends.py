# SPDX-License-Identifier: BSD-3-Clause
"""How deployment backends are found, and the example of the documentation."""

import collections
import importlib
import re
import sys
from pathlib import Path

import numpy as np
import pytest

from lava_sparse_rnn import loihi2, spec
from lava_sparse_rnn.loihi2 import deployment
from lava_sparse_rnn.loihi2.deployment import DeploymentError
from lava_sparse_rnn.microcode import Interpreter

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[2]

BACKENDS = """
import numpy as np

class Base:
    log = []
    def __init__(self): self.log.clear()
    def load(self, bundle, mode): self.bundle = bundle; self.log.append(mode)
    def run(self, x): return self.bundle.golden_output
    def counters(self): return {"instructions": np.arange(3)}
    def close(self): self.log.append("close")

class Good(Base): pass

class Wrong(Base):
    def run(self, x):
        y = self.bundle.golden_output.copy()
        y[2, 1] += 7
        return y

class Short(Base):
    def run(self, x): return self.bundle.golden_output[1:]

class Real(Base):
    def run(self, x): return self.bundle.golden_output / 1.0

class Breaks(Base):
    def load(self, bundle, mode): raise OSError("no board")

class Incomplete:
    def load(self, bundle, mode): pass

def fails(): raise RuntimeError("licence expired")
"""
NAMES = {
    **{n.lower(): n for n in ("Good", "Wrong", "Short", "Real", "Breaks")},
    **{"incomplete": "Incomplete", "fails": "fails", "absent": "nothing"},
}


@pytest.fixture
def lab(tmp_path, monkeypatch):
    """An installed package with backends, good and bad."""
    (tmp_path / "my_lab_backends.py").write_text(BACKENDS)
    info = tmp_path / "my_lab-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: my-lab\nVersion: 1\n")
    points = [f"{name} = my_lab_backends:{v}" for name, v in NAMES.items()]
    points.append("gone = my_lab_no_module:X")
    # One of them is from before the group had its name.
    former = ["[lava_sparse_rnn.backends]", points.pop(0)]
    text = "\n".join([f"[{deployment.ENTRY_POINTS}]", *points, *former])
    (info / "entry_points.txt").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    yield importlib.import_module("my_lab_backends")
    del sys.modules["my_lab_backends"]


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    network = spec.random_network(np.random.default_rng(3), 4, 6, 5, 3, 1)
    mapping = loihi2.map_network(network, cores=8)
    x = np.random.default_rng(0).integers(-30000, 30000, (7, 4))
    path = tmp_path_factory.mktemp("bundle") / "b"
    return loihi2.write_bundle(network, path, mapping, x)


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """Groups that share cores."""
    network = spec.random_network(np.random.default_rng(3), 4, 6, 5, 3, 1)
    mapping = loihi2.map_network(network, cores=6, search=60.0, share=2)
    assert mapping.parts > len(mapping)
    path = tmp_path_factory.mktemp("bundle") / "b"
    return loihi2.write_bundle(network, path, mapping)


def test_ours_is_registered(bundle):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert project["entry-points"][deployment.ENTRY_POINTS] == {
        "cpu": "lava_sparse_rnn.loihi2.deployment.cpu:CpuBackend"
    }
    assert "cpu" in deployment.available()
    assert isinstance(deployment.create("cpu"), deployment.CpuBackend)
    assert deployment.check(bundle).equal


def test_another_package(lab, bundle):
    assert set(deployment.available()) == {"cpu", "gone", *NAMES}
    result = deployment.check(bundle, "good", "fall_through")
    assert result.equal
    assert result.tokens == 7
    assert result.counters["instructions"].tolist() == [0, 1, 2]
    assert lab.Base.log == ["fall_through", "close"]


def test_two_packages_of_one_name(lab, bundle, tmp_path):
    other = tmp_path / "your_lab-1.0.dist-info"
    other.mkdir()
    (other / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: your-lab\nVersion: 1\n"
    )
    point = f"[{deployment.ENTRY_POINTS}]\nwrong = my_lab_backends:Good"
    (other / "entry_points.txt").write_text(point)
    with pytest.raises(
        deployment.DeploymentError,
        match=r"'wrong' is offered by my-lab \(.*Wrong\) and by your-lab \(.*Good\)",
    ):
        deployment.check(bundle, "wrong")
    assert deployment.check(bundle, "good").equal


def test_wrong_answers(lab, bundle):
    result = deployment.check(bundle, "wrong")
    assert not result.equal
    right = bundle.golden_output[2, 1]
    assert result.message == (
        "1 of 21 values differ from the golden output; the first is value 1 of "
        f"answer 2: {right + 7}, must be {right}"
    )


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("loihi", "no deployment backend 'loihi' is installed, there are: absent, "),
        ("absent", r"'absent' \(my_lab_backends:nothing\) cannot be loaded: Attribute"),
        ("gone", "cannot be loaded: ModuleNotFoundError"),
        ("fails", "cannot be loaded: RuntimeError: licence expired"),
        ("incomplete", "lacks: run, counters, close"),
        ("short", r"int64 of shape \(6, 3\), must be integers \(7, 3\)"),
        ("real", r"float64 of shape \(7, 3\), must be integers"),
    ],
)
def test_bad_backends(lab, bundle, name, message):
    with pytest.raises(DeploymentError, match=message):
        deployment.check(bundle, name)


def test_a_board_that_is_not_there(lab, bundle):
    with pytest.raises(OSError, match="no board"):
        deployment.check(bundle, "breaks")
    assert lab.Base.log == ["close"]


class ListDriver:
    """In place of a board: one synapse and one message at a time, in lists."""

    def __init__(self):
        self.programs, self.parts, self.constants = {}, {}, {}
        self.synapses = collections.defaultdict(list)
        self.routes = collections.defaultdict(list)
        self.axon_count, self.closed = {}, False

    def neurons(self, place, part):
        self.parts[place], self.constants[place] = part, {}

    def constant(self, place, name, values):
        self.constants[place][name] = values

    def axons(self, place, n):
        self.axon_count[place] = n

    def synapse(self, place, axon, neuron, accumulator, weight, delay):
        assert axon < self.axon_count[place]
        assert delay >= 1
        self.synapses[place, axon].append((neuron, accumulator, weight, delay))

    def route(self, place, output, neuron, target, axon):
        self.routes[place, output, neuron].append((target, axon))

    def reset(self):
        self.now, self.sent = 0, {}
        self.waiting = collections.defaultdict(
            lambda: collections.defaultdict(lambda: collections.defaultdict(int))
        )
        self.programs = {
            place: Interpreter(
                *(p.program, self.constants[place], p.neurons),
                rounding=p.rounding,
                overflow=p.overflow,
            )
            for place, p in self.parts.items()
        }

    def inject(self, place, axon, payload):
        for neuron, accumulator, weight, delay in self.synapses[place, axon]:
            slot = self.waiting[self.now + delay][place]
            slot[accumulator, neuron] += weight * payload

    def step(self):
        arrived = self.waiting.pop(self.now, {})
        for place, program in self.programs.items():
            values = collections.defaultdict(
                lambda n=program.n_neurons: np.zeros(n, np.int64)
            )
            for (accumulator, neuron), value in arrived.get(place, {}).items():
                values[accumulator][neuron] = value
            self.sent[place] = program.step(values)
        for place, outputs in self.sent.items():
            for output, payloads in outputs.items():
                for neuron in np.flatnonzero(payloads):
                    for target, axon in self.routes[place, output, int(neuron)]:
                        self.inject(target, axon, int(payloads[neuron]))
        self.now += 1

    def read(self, place, output):
        return self.sent[place][output]

    def close(self):
        self.closed = True


@pytest.mark.parametrize("mode", deployment.MODES)
@pytest.mark.parametrize("which", ["bundle", "shared"])
def test_the_documented_example(which, mode, request):
    bundle = request.getfixturevalue(which)
    text = (ROOT / "docs" / "deploy.md").read_text("utf-8")
    blocks = re.findall(r"```python\n(.*?)```", text, re.S)
    (code,) = (block for block in blocks if "class ChipBackend" in block)
    assert 80 <= len(code.splitlines()) <= 120
    names: dict = {}
    exec(compile(code, "docs/deploy.md", "exec"), names)
    driver = ListDriver()
    result = deployment.check(bundle, names["ChipBackend"](driver), mode)
    assert result.equal, result.message
    assert driver.closed
    assert len(driver.parts) == len(bundle.manifest.cores) >= 8
    calls = set(re.findall(r"driver\.(\w+)\(", code)) - {"connect"}
    assert len(calls) == 10
