# SPDX-License-Identifier: BSD-3-Clause
"""Whatever takes a network says in one sentence that it was given something else."""

import importlib
import inspect
from pathlib import Path

import numpy as np
import pytest

from lava_sparse_rnn import loihi2, spec

ROOMS = {
    "spec": None,
    "spec.reference": None,
    "spec.statistics": None,
    "engine": None,
    "microcode": None,
    "c_export": None,
    "loihi2": None,
    "backends": None,
    "audio": None,
    "proc": "lava",
    "nn.quantize": "torch",
}


def takers():
    """Every public function and class with an argument called network."""
    for room, needed in ROOMS.items():
        if needed and importlib.util.find_spec(needed) is None:
            continue
        module = importlib.import_module(f"lava_sparse_rnn.{room}")
        for name in getattr(module, "__all__", vars(module)):
            thing = getattr(module, name)
            where = str(getattr(thing, "__module__", ""))
            listed = hasattr(module, "__all__") or where == module.__name__
            own = where.startswith("lava_sparse_rnn") and listed
            if name.startswith("_") or not callable(thing) or not own:
                continue
            if inspect.isclass(thing) and issubclass(thing, BaseException):
                continue
            parameters = inspect.signature(thing).parameters
            if "network" in parameters:
                yield pytest.param(thing, parameters, id=f"{room}.{name}")


TAKERS = list(takers())


def call(thing, parameters, network, other="x"):
    required = [
        p.name for p in parameters.values() if p.default is p.empty and p.kind < 4
    ]
    kwargs = {name: other for name in required if name not in ("network", "kwargs")}
    return thing(**kwargs | {"network": network})


def test_they_are_found():
    names = {t.id for t in TAKERS}
    assert len(names) > 25
    assert {"proc.run", "loihi2.map_network", "audio.Denoiser"} <= names


@pytest.mark.parametrize(("thing", "parameters"), TAKERS)
@pytest.mark.parametrize("wrong", ["x.net", Path("x.net"), None, np.zeros((2, 3), int)])
def test_what_is_no_network_is_named(thing, parameters, wrong):
    kind = "the path 'x.net'" if wrong is not None else "NoneType"
    kind = "ndarray" if isinstance(wrong, np.ndarray) else kind
    with pytest.raises(spec.SpecError, match="needs a spec.Network, got ") as caught:
        call(thing, parameters, wrong)
    assert kind in str(caught.value)
    assert "spec.load" in str(caught.value)
    assert "\n" not in str(caught.value)


def swapped():
    for taker in TAKERS:
        names = list(taker.values[1])
        if names[0] == "network" and len(names) > 1 and names[1] in ("x", "path"):
            yield taker


@pytest.mark.parametrize(("thing", "parameters"), [*swapped()])
def test_swapped_arguments_are_named(thing, parameters):
    network = spec.random_network(np.random.default_rng(0))
    mapping = loihi2.map_network(network)
    known = {"mapping": mapping, "trace": {}}
    required = [p for p in parameters.values() if p.default is p.empty]
    rest = [known[p.name] for p in required[2:]]
    with pytest.raises(spec.SpecError, match="arguments are swapped"):
        thing(np.zeros((2, 5), int), network, *rest)


def test_a_mapping_is_asked_for_by_name():
    network, x = spec.random_network(np.random.default_rng(0)), np.zeros((2, 5), int)
    for needs in (loihi2.count, loihi2.estimate):
        with pytest.raises(loihi2.Loihi2Error, match="loihi2.Mapping, got Network"):
            needs(network, x, network)


@pytest.mark.parametrize("cores", [-5, 0, 2.5, "7", True])
def test_numbers_are_named(cores, tmp_path):
    network = spec.random_network(np.random.default_rng(0))
    with pytest.raises(loihi2.Loihi2Error, match=r"map_network: cores is .*from 1"):
        loihi2.map_network(network, cores=cores)
    with pytest.raises(loihi2.BundleError, match=r"write_bundle: seed is .*from 0"):
        loihi2.write_bundle(network, tmp_path / "b", seed=-1)
    mapping = loihi2.map_network(network)
    with pytest.raises(loihi2.Loihi2Error, match="token_s is 'x', must be a positive"):
        loihi2.estimate(network, np.zeros((2, 5), int), mapping, token_s="x")
