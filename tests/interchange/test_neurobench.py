# SPDX-License-Identifier: BSD-3-Clause
"""NeuroBench's own metrics of a network are those of `spec.statistics`.

NeuroBench is in no extra, see docs/neurobench.md: without it these are skipped.
"""

import re
import warnings
from pathlib import Path

import numpy as np
import pytest

from lava_sparse_rnn import spec
from lava_sparse_rnn.spec import reference, statistics

torch = pytest.importorskip("torch")
pytest.importorskip("neurobench")
# What it imports has its own warnings.
pytestmark = pytest.mark.filterwarnings("default")

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from neurobench.benchmarks import Benchmark
    from neurobench.metrics.static import (
        ConnectionSparsity,
        Footprint,
        ParameterCount,
    )
    from neurobench.metrics.workload import (
        MSE,
        ActivationSparsity,
        ClassificationAccuracy,
        SynapticOperations,
    )

from lava_sparse_rnn import c_export  # noqa: E402
from lava_sparse_rnn.interchange.neurobench import (  # noqa: E402
    NetworkModel,
    SparseFootprint,
)
from lava_sparse_rnn.spec.graph import INP  # noqa: E402

STATIC = [Footprint, SparseFootprint, ConnectionSparsity, ParameterCount]


def measured(network, x, targets, workload, batch=2, after=()):
    data = torch.utils.data.TensorDataset(torch.as_tensor(x), torch.as_tensor(targets))
    loader = torch.utils.data.DataLoader(data, batch)
    model = NetworkModel(network)
    return Benchmark(model, loader, [], list(after), [STATIC, workload]).run(quiet=True)


def inputs(network, n=4, tokens=7):
    fmt = network.layers[0].inp.format
    rng = np.random.default_rng(0)
    x = rng.integers(fmt.lowest, fmt.highest + 1, (n, tokens, network.d_in))
    return x * (rng.random(x.shape) < 0.5)


def expected(network, x):
    """What the statistics say: per sequence, over all sequences."""
    effective, silent, messages = [], 0, 0
    last = f"layer{len(network.layers) - 1}_{network.graphs[-1].out}"
    for tokens in x:
        trace = {}
        reference.run(network, tokens, trace)
        rows = statistics.activity(network, tokens, trace)
        effective.append(sum(row.synops for row in rows) * len(tokens))
        for i, graph in enumerate(network.graphs):
            for wire in graph.sender:
                if f"layer{i}_{wire}" != last:
                    silent += int((trace[f"layer{i}_{wire}"] == 0).sum())
                    messages += trace[f"layer{i}_{wire}"].size
    dense = sum(row.dense_synops for row in rows) * x.shape[1]
    return np.mean(effective), dense, silent / messages


def assert_same(network, x):
    targets = np.stack([network.from_wire(reference.run(network, t)) for t in x]) + 0.5
    found = measured(network, x, targets, [MSE, ActivationSparsity, SynapticOperations])
    effective, dense, silent = expected(network, x)
    operations = found["SynapticOperations"]
    # Where a wire carries nothing but 0 and 1, NeuroBench says that it accumulates.
    counted = operations["Effective_MACs"] + operations["Effective_ACs"]
    assert counted == pytest.approx(effective, rel=1e-12)
    assert operations["Dense"] == dense
    assert found["ActivationSparsity"] == pytest.approx(silent, rel=1e-12)
    assert found["MSE"] == pytest.approx(0.25, rel=1e-5)
    edges = [e for graph in network.graphs for e in graph.edges if not e.copies]
    weights = sum(e.dense_size for e in edges)
    nonzero = sum(e.matrix.nnz for e in edges)
    assert found["ConnectionSparsity"] == pytest.approx(1 - nonzero / weights, abs=1e-4)
    return found, weights


@pytest.mark.parametrize("kinds", [("s5", "s5"), ("s4d", "affine", "s5")])
def test_metrics_are_the_statistics(kinds):
    network = spec.random_network(np.random.default_rng(3), kinds=kinds)
    assert_same(network, inputs(network))


def test_widths_by_layer_are_in_the_footprints():
    """States and factors of a narrow layer take fewer bytes."""

    def made(**by_layer):
        recipe = spec.Recipe(by_layer=by_layer)
        rng = np.random.default_rng(5)
        return spec.random_network(rng, kinds=("s5", "s5"), recipe=recipe)

    wide = made()
    narrow = made(layer2={"weight_bits": 4, "state_bits": 16, "a_bits": 8})
    assert [layer.type for layer in narrow.layers] == ["affine", "s5", "s5", "affine"]
    before, _ = assert_same(wide, inputs(wide))
    after, _ = assert_same(narrow, inputs(narrow))
    n = narrow.layers[2].d_state
    # States of 24 bits are held in four bytes, of 16 in two; factors of 16 in two, of
    # 8 in one; a weight of 4 bits has a byte of its own in torch.
    assert before["Footprint"] - after["Footprint"] == 2 * n * (4 - 2) + 2 * n * (2 - 1)
    for network, found in ((wide, before), (narrow, after)):
        c = c_export.export(network)
        assert found["SparseFootprint"] == c.constant_bytes + c.state_bytes


def test_footprints_of_the_shipped_network(shipped_small, heard):
    x = heard(shipped_small)[None, 100:110]
    found, weights = assert_same(shipped_small, x)
    matrices = sum(m.total for m in statistics.matrix_sizes(shipped_small))
    held = found["Footprint"] - weights
    assert weights - matrices == sum(
        layer.D.size for layer in shipped_small.layers if layer.type == "s5"
    )
    # Bytes of 24-bit biases and states, and of 16-bit factors, in types of torch.
    assert held == sum(
        4 * (4 * layer.d_state + 2 * layer.d_model) + 4 * layer.d_state
        if layer.type == "s5"
        else 4 * layer.out.size
        for layer in shipped_small.layers
    )
    made = c_export.export(shipped_small)
    assert found["SparseFootprint"] == made.constant_bytes + made.state_bytes
    assert found["SparseFootprint"] < found["Footprint"] / 3
    assert found["ConnectionSparsity"] >= 0.89


def test_real_values_and_a_head():
    network = spec.random_network(np.random.default_rng(4), d_out=3)
    network = spec.Network(network.layers, network.recipe, {"head": "last"})
    x = inputs(network, n=6)
    y = [network.from_wire(reference.run(network, tokens))[-1] for tokens in x]
    labels = np.argmax(y, axis=1)
    labels[:2] = -1  # two of six are wrong
    real = np.ldexp(x + 0.0, -network.layers[0].inp.frac)
    found = measured(
        network,
        real,
        labels,
        [ClassificationAccuracy],
        after=[lambda answers: answers.argmax(-1)],
    )
    assert found["ClassificationAccuracy"] == pytest.approx(4 / 6)


def test_what_is_no_network_is_named():
    with pytest.raises(spec.SpecError, match=r"NetworkModel: needs a spec\.Network"):
        NetworkModel("denoiser.net")


def test_the_wires_that_count():
    network = spec.random_network(np.random.default_rng(3))
    model = NetworkModel(network)
    names = [layer["layer_name"] for layer in model.activation_layers()]
    block = [f"layer1_{wire}" for wire in ("s_re", "s_im", "z", "out")]
    assert names == ["layer0_out", *block]
    assert model._sources["layer1_D"] == "layer0_out"
    assert model._sources["layer0_weights"] == INP


def test_the_page():
    """What docs/neurobench.md shows runs."""
    page = Path(__file__).parents[2] / "docs" / "neurobench.md"
    (code,) = re.findall(r"```python\n(.*?)```", page.read_text("utf-8"), re.S)
    names = {}
    exec(compile(code, str(page), "exec"), names)
    assert names["results"]["ConnectionSparsity"] > 0.89
