# SPDX-License-Identifier: BSD-3-Clause
"""Networks that are shipped for tasks: what they say, and their integers."""

from pathlib import Path

import numpy as np
import pytest

from lava_sparse_rnn import backends, spec
from lava_sparse_rnn.train import find_task

DATA = Path(__file__).parents[2] / "data"
NETWORKS = [
    path
    for path in sorted(DATA.glob("*.net"))
    if spec.load(path).meta.get("task") not in (None, "denoise")
]
CARD = (DATA / "TASKS.md").read_text("utf-8")


@pytest.mark.parametrize("path", NETWORKS, ids=lambda p: p.stem)
def test_it_knows_its_task(path):
    network = spec.load(path)
    task = find_task(network.meta["task"])
    settings = task.Settings.model_validate(network.meta["settings"])
    assert settings.path is None
    assert network.meta["classes"] == list(task.classes)
    assert network.d_out == len(task.classes)
    assert spec.head_of(network) == "mean"
    assert path.stat().st_size <= 100_000
    assert f"`{path.name}`" in CARD


@pytest.mark.parametrize("name", sorted(backends.BACKENDS))
@pytest.mark.parametrize("path", NETWORKS, ids=lambda p: p.stem)
def test_the_same_integers_everywhere(path, name):
    if name == "lava":
        pytest.importorskip("lava")
    network = spec.load(path)
    fmt = network.layers[0].inp.format
    rng = np.random.default_rng(0)
    x = [
        rng.integers(fmt.lowest // 4, fmt.highest // 4, (n, network.d_in))
        for n in (7, 4)
    ]
    expected = spec.reference.run(network, x)
    with backends.create(name, network) as stream:
        for tokens, wanted in zip(x, expected, strict=True):
            stream.reset()
            assert np.array_equal(stream.run(tokens), wanted)
