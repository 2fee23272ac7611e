# SPDX-License-Identifier: BSD-3-Clause
"""Recipes by name, calibration, what quantisation costs, biases that stay in range."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lava_sparse_rnn import spec
from lava_sparse_rnn.fixed_point import OverflowCounters
from lava_sparse_rnn.nn import SparseRNN
from lava_sparse_rnn.nn.quantize import (
    RECIPES,
    FoldedAffine,
    FoldedNetwork,
    QuantizedRNN,
    calibrate,
    error_report,
    fold,
    quantize,
    recipe,
    sigmoid_table,
    unfold,
    with_silence,
)
from lava_sparse_rnn.nn.quantize._parameters import nearest
from lava_sparse_rnn.nn.quantize._simulate import PARTS, Simulation
from lava_sparse_rnn.nn.quantize.module import _check_wires
from lava_sparse_rnn.nn.quantize.rules import within
from lava_sparse_rnn.nn.sparsify import prune


def trained_like(seed=1):
    torch.manual_seed(seed)
    model = SparseRNN(6, 16, 16, 2, 4, hippo_blocks=2, seed=seed)
    features = torch.randn(4, 60, 6)
    with torch.no_grad():
        for block in model.blocks:
            block.norm.momentum = 0.5
            block.gate_bias.normal_(std=0.3)
        for _ in range(6):
            model(features)
    return model.eval(), features


@pytest.mark.parametrize("name", RECIPES)
def test_recipes_give_the_same_integers_everywhere(name):
    model, features = trained_like()
    folded = fold(model)
    chosen = recipe(name)
    network = quantize(folded, calibrate(folded, [features]), chosen)
    assert network.recipe == chosen
    fake = QuantizedRNN(folded, network)
    found = fake.forward_wires(fake.to_wire(features.transpose(0, 1)))[:, 0]
    y = spec.reference.run(network, network.to_wire(features[0].numpy()))
    assert torch.equal(found.long(), torch.from_numpy(y))
    error = network.from_wire(y) - model(features)[0].detach().numpy()
    limit = {"w4a16": 0.3, "w8a8": 0.15}.get(name, 0.05)
    assert np.linalg.norm(error) < limit * np.linalg.norm(model(features)[0].detach())


def test_names_say_the_widths():
    for name, weight, wire in (("w8a16", 8, 16), ("w8a8", 8, 8), ("w4a16", 4, 16)):
        assert (recipe(name).weight_bits, recipe(name).wire_bits) == (weight, wire)
    assert recipe("w8a8", state_bits=16).state_bits == 16
    with pytest.raises(ValueError, match="recipe is 'w2a2', must be one of: w8a16"):
        recipe("w2a2")


def test_the_rules_of_the_public_code_are_expressible():
    """A real gate, states of 16 bits, and np.interp of a table of 8 segments."""
    chosen = recipe("sparse_rnns")
    assert (chosen.state_nonlinearity, chosen.state_bits) == ("real_gate", 16)
    lines = chosen.sigmoid
    assert len(lines) == 8
    g = np.arange(-(1 << 15), 1 << 15)
    p = lines.evaluate(g, lines.shifts_for(np.array(12)), chosen.arithmetic())
    points = np.arange(9.0)
    table = np.interp(np.abs(g) / 2**12, points, 1 / (1 + np.exp(-points)))
    inside = np.abs(g) < 8 * 2**12
    expected = np.where(g >= 0, table, 1 - table) * 2**15
    assert np.abs(p - expected)[inside].max() <= 12  # slopes keep 11 bits
    assert lines == sigmoid_table(8, 8.0)


@pytest.mark.parametrize("percentile", [50.0, 90.0, 99.9, 100.0])
def test_percentiles_are_those_of_numpy(percentile):
    torch.manual_seed(0)
    W = torch.randn(5, 3, dtype=torch.float64)
    layer = FoldedAffine(W, torch.zeros(5, dtype=torch.float64), relu=True)
    batches = [torch.randn(2, 100, 3) * scale for scale in (0.1, 1.0, 30.0)]
    folded = FoldedNetwork((layer,))
    found = calibrate(folded, batches, percentile)
    values = torch.cat([b.double().flatten(0, 1) for b in batches])
    out = (values @ W.t()).relu()
    for have, real in zip(found, (values, out), strict=True):
        exact = np.percentile(
            real.abs().numpy(), percentile, axis=0, method="inverted_cdf"
        )
        assert (have["out"] >= exact * (1 - 1e-12)).all()
        assert (have["out"] <= exact * 2 ** (1 / 16) + 1e-12).all()


def test_percentiles_leave_states_alone_and_give_finer_wires():
    model, features = trained_like()
    features[0, 30] *= 50
    folded = fold(model)
    largest = calibrate(folded, [features])
    most = calibrate(folded, [features], 99.0)
    assert np.array_equal(largest[1 + 1]["x"], most[1 + 1]["x"])
    assert (most[0]["out"] < 0.5 * largest[0]["out"]).all()
    for value in (0.0, 101.0):
        with pytest.raises(ValueError, match=r"percentile is .* \(0, 100\]"):
            calibrate(folded, [features], value)


def test_silence_settles_where_short_material_does_not_reach():
    """A slow state that silence drives: without it the state saturates."""
    torch.manual_seed(0)
    model, _ = trained_like()
    with torch.no_grad():
        model.blocks[0].log_step.fill_(np.log(1e-2))
    folded = fold(model)
    token = torch.full((6,), -3.0)
    speech = 0.3 * torch.randn(2, 50, 6)
    silence = token.expand(1000, 6)
    counts = []
    for material in ([speech], with_silence([speech], token, 1000)):
        network = quantize(folded, calibrate(folded, material))
        # Headroom of one bit is not enough for what was not heard.
        sim = Simulation(folded, network)
        sim.run(silence[:, None])
        counts.append(sum(sim.overflows.values()))
    assert counts[0] > 0
    assert counts[1] == 0
    found = list(with_silence([speech, 2 * speech], token, steps=70))
    assert [tuple(x.shape) for x in found[2:]] == [(1, 70, 6), (2, 120, 6)]
    assert torch.equal(found[2][0], silence[:70])
    assert torch.equal(found[3][:, :50], 2 * speech)
    assert not list(with_silence([speech], steps=5))[1].any()
    assert list(with_silence([])) == []


@pytest.mark.parametrize("overflow", ["saturate", "wrap"])
def test_all_parts_in_integers_are_the_contract(overflow):
    """Also what overflows, counted by tensor, on input that is far too loud."""
    rng = np.random.default_rng(0)
    chosen = spec.Recipe(overflow=overflow)
    network = spec.random_network(rng, n_blocks=2, recipe=chosen)
    x = rng.integers(-(2**15), 2**15, (40, 2, network.d_in))
    real = np.ldexp(x.astype(float), -network.layers[0].inp.frac)
    simulation = Simulation(unfold(network), network)
    out = simulation.run(torch.from_numpy(real))[-1]["out"]
    counters = OverflowCounters()
    for b in range(2):
        y = spec.reference.run(network, x[:, b], counters=counters)
        assert torch.equal(out[:, b], torch.from_numpy(network.from_wire(y)))
    expected = {k: v for k, v in counters.items() if not k.endswith(("x_re", "x_im"))}
    for i in (1, 2):
        states = counters[f"layer{i}_x_re"] + counters[f"layer{i}_x_im"]
        expected[f"layer{i}_x"] = states
    found = dict(simulation.overflows)
    assert {k: v for k, v in found.items() if v} == {
        k: v for k, v in expected.items() if v
    }
    assert sum(found.values()) > 0


def test_no_part_in_integers_is_the_real_network():
    model, features = trained_like()
    folded = fold(model)
    network = quantize(folded, calibrate(folded, [features]))
    x = features.double().transpose(0, 1)
    found = Simulation(folded, network, ()).run(x)
    for have, expected in zip(found, folded.trace(x), strict=True):
        assert have.keys() == expected.keys()
        for name, value in expected.items():
            assert torch.allclose(have[name], value, atol=1e-10), name
    with pytest.raises(ValueError, match=r"part is 'luck', must be one of: weights"):
        Simulation(folded, network, ("luck",))


def test_the_report_tells_what_costs_what():
    model, features = trained_like()
    folded = fold(model)
    ranges = calibrate(folded, [features])
    fine = quantize(folded, ranges)
    coarse = quantize(folded, ranges, recipe("w4a16"))

    def metric(outputs, batch):
        assert outputs.shape == (4, 60, 4)
        assert batch == 0
        return outputs.square().mean().item()

    found = {n: error_report(folded, q, [features], metric) for n, q in
             (("fine", fine), ("coarse", coarse))}  # fmt: skip
    for report in found.values():
        assert set(report.ablation) == {*PARTS, "all"}
        assert set(report.metric) == {*PARTS, "all", "none"}
        assert report.ablation["all"] <= min(report.ablation.values()) + 3
        assert json.loads(report.json()) == report.as_dict()
        assert len(report.tensors) == 2 + 2 * 5
        for name in ("weights", "sigmoid", "all"):
            assert f"| {name} | {report.ablation[name]:.1f} |" in report.table()
    # Four bits less of the weights: 24 dB, and nothing else changes.
    loss = found["fine"].ablation["weights"] - found["coarse"].ablation["weights"]
    assert 15 < loss < 33
    y = model(features).detach().double()
    last = found["fine"].tensors[-1]
    with torch.no_grad():
        error = QuantizedRNN(folded, fine)(features) - y
    expected = 10 * torch.log10(y.square().sum() / error.square().sum()).item()
    assert (last.layer, last.tensor) == (3, "out")
    assert last.snr_db == pytest.approx(expected, abs=0.01)
    with pytest.raises(ValueError, match="at least one batch"):
        error_report(folded, fine, [])


def test_padding_does_not_count_in_the_report():
    """What is behind the sequences of a batch, however wild, changes no figure."""
    model, features = trained_like()
    folded = fold(model)
    network = quantize(folded, calibrate(folded, [0.1 * features]))
    lengths = torch.tensor([60, 7, 31, 1])
    one_by_one = [x[None, :n] for x, n in zip(features, lengths, strict=True)]
    expected = error_report(folded, network, one_by_one)
    padding = torch.arange(60) >= lengths[:, None]
    padded = torch.where(padding[..., None], 30.0, features)
    found = error_report(folded, network, padded, lengths=lengths)
    assert found.ablation == pytest.approx(expected.ablation, abs=1e-9)
    for row, other in zip(found.tensors, expected.tensors, strict=True):
        assert row.overflows == other.overflows
        assert row.overflow_share == other.overflow_share
        assert row.snr_db == pytest.approx(other.snr_db, abs=1e-9)
    assert sum(row.overflows for row in found.tensors) > 0
    assert found != error_report(folded, network, padded)
    with pytest.raises(ValueError, match="lengths are of 1 batches, there are more"):
        error_report(folded, network, [padded, padded], lengths=lengths)


def test_a_gate_without_weights_keeps_its_bias_in_range():
    """Driven outwards for long, it stops at the end of the format, and comes back."""
    model, features = trained_like()
    prune(model, 0.5)
    model.blocks[0].gate_mask[3] = False
    folded = fold(model)
    network = quantize(folded, calibrate(folded, [features]))
    fake = QuantizedRNN(folded, network)
    layer = fake.layers[1]
    bias = layer.biases["bias_g"]
    for sign in (1.0, -1.0):
        with torch.no_grad():
            bias.relative[3] = sign * 1e9
        block = layer.describe()
        k = block.W.frac + block.z.ref - block.g.frac
        argument = np.floor(np.ldexp(block.bias_g.value.astype(float), -k))
        # The last of its steps, of ``2**-k``, that the format holds.
        assert 0.99 * block.g.highest < abs(argument[3]) <= block.g.highest
        trace, counters = {}, OverflowCounters()
        tokens = network.to_wire(features[0].numpy())
        spec.reference.run(fake.network(), tokens, trace, counters)
        assert counters["layer1_g"] == 0
        assert (trace["layer1_g"][:, 3] == argument[3]).all()


def test_clamped_values_learn_inwards_only():
    x = torch.tensor([-9.0, -9.0, 0.5, 9.0, 9.0], requires_grad=True)
    y = within(x, torch.full((5,), 4.0))
    assert y.tolist() == [-4.0, -4.0, 0.5, 4.0, 4.0]
    (y * torch.tensor([1.0, -1.0, 1.0, 1.0, -1.0])).sum().backward()
    assert x.grad.tolist() == [0.0, -1.0, 1.0, 1.0, 0.0]


def test_a_bias_that_starts_beyond_its_range_stays_what_it_is():
    """A gate with weights may need one: calibration decides, not the clamp."""
    model, features = trained_like()
    with torch.no_grad():
        model.blocks[0].gate_bias[2] = 40.0
    folded = fold(model)
    ranges = calibrate(folded, [features])
    ranges[2]["g"][2] = 1.0
    network = quantize(folded, ranges)
    assert QuantizedRNN(folded, network).network() == network


@given(
    st.integers(-(2**23), 2**23 - 1),
    st.floats(-0.5, 0.5).filter(lambda x: abs(abs(x) - 0.5) > 1e-9 or abs(x) == 0.5),
)
def test_a_parameter_rounds_to_what_its_double_rounds_to(whole, part):
    """Also where float32 has no value between two integers, or half of one only."""
    exact = torch.tensor([whole + part], dtype=torch.float64)
    found = nearest(exact)
    assert found.dtype == torch.float32
    assert torch.equal(found.double().round(), exact.round())


@pytest.mark.parametrize("name", RECIPES)
def test_a_fine_tune_does_not_lose_what_quantisation_left(name):
    """Steps of biases follow the wires: with 8 bits they were 256 times larger."""
    model, features = trained_like()
    features = features[:2, :30]
    target = model(features).detach()
    folded = fold(model)
    network = quantize(folded, calibrate(folded, [features]), recipe(name))
    tuned = QuantizedRNN(folded, network)
    optimizer = torch.optim.AdamW(tuned.parameters(), lr=4e-4)
    losses = []
    for _ in range(10):
        loss = (tuned(features) - target).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    # Of the signal's energy: 0.4 % at most with w8a8; 69 % with steps for 16 bits.
    assert max(losses) < 2 * losses[0] + 1e-3 * float(target.square().mean())


@pytest.mark.parametrize("bits", [4, 8, 12, 16])
def test_biases_are_counted_in_payloads_of_their_own_wire(bits):
    model, features = trained_like()
    folded = fold(model)
    ranges = calibrate(folded, [features])
    network = quantize(folded, ranges, spec.Recipe(wire_bits=bits))
    block = QuantizedRNN(folded, network).layers[1]
    quarter = 2.0 ** (bits - 3)
    assert (block.biases["bias_z"].unit == quarter).all()
    filled = torch.from_numpy(network.layers[1].W.row_magnitude > 0)
    assert (block.biases["bias_g"].unit[filled] == quarter * 2.0**7).all()


@pytest.mark.parametrize("name", ["inp", "s", "z", "out"])
def test_wires_beyond_float32_are_refused_wherever_they_are(name):
    block = spec.random_network(np.random.default_rng(0), n_blocks=1).layers[1]
    wide = spec.Wire(25, getattr(block, name).frac, getattr(block, name).ref)
    with pytest.raises(ValueError, match=f"layer 0: its wire {name} has 25 bits; the"):
        _check_wires(replace(block, **{name: wide}), "layer 0")
