# SPDX-License-Identifier: BSD-3-Clause
"""One quantiser behind every entrance: trained networks and processes from floats."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lava_sparse_rnn import spec
from lava_sparse_rnn.fixed_point import OverflowCounters
from lava_sparse_rnn.nn import SparseRNN, blocks
from lava_sparse_rnn.nn import quantize as nnq
from lava_sparse_rnn.nn.quantize.rules import round_inside
from lava_sparse_rnn.spec import SpecError
from lava_sparse_rnn.spec import quantize as sq
from lava_sparse_rnn.spec.quantize.states import quantize_a

N, D = 4, 3
RULES = st.sampled_from(spec.NONLINEARITIES)


def arrays(seed, scale=1.0):
    """Real matrices of a block, in the words of `RealBlock.of`."""
    rng = np.random.default_rng(seed)

    def pairs(*shape):
        return scale * (rng.standard_normal(shape) + 1j * rng.standard_normal(shape))

    decay = 10.0 ** rng.uniform(-3, 0, N)
    return {
        "a_bar": np.exp(-decay + 1j * rng.uniform(-3, 3, N)),
        "B_bar": pairs(N, D) * (rng.random((N, D)) < 0.7),
        "C": pairs(D, N),
        "D": scale * rng.standard_normal(D),
        "W": scale * rng.standard_normal((D, D)),
        "bias_x": pairs(N),
        "bias_z": scale * rng.standard_normal(D),
        "bias_g": scale * rng.standard_normal(D),
    }


def folded(values, nonlinearity):
    """The same block as `nn` holds it."""
    v = {name: torch.from_numpy(np.asarray(x)) for name, x in values.items()}
    block = nnq.FoldedBlock(
        a_re=v["a_bar"].real, a_im=v["a_bar"].imag, B_re=v["B_bar"].real,
        B_im=v["B_bar"].imag, bias_x_re=v["bias_x"].real, bias_x_im=v["bias_x"].imag,
        C_re=v["C"].real, C_imn=-v["C"].imag, D=v["D"], bias_z=v["bias_z"], W=v["W"],
        bias_g=v["bias_g"], nonlinearity=nonlinearity,
    )  # fmt: skip
    return nnq.FoldedNetwork((block,))


@st.composite
def recipes(draw):
    return spec.Recipe(
        rounding=draw(st.sampled_from(["floor", "nearest"])),
        overflow=draw(st.sampled_from(["saturate", "wrap"])),
        state_nonlinearity=draw(RULES),
        weight_bits=draw(st.integers(2, 8)),
        wire_bits=draw(st.integers(4, 16)),
        state_bits=draw(st.integers(8, 24)),
        gate_bits=draw(st.integers(4, 16)),
    )


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32 - 1), recipes(), st.sampled_from([1.0, 1e-3, 1e-6, 0.0]))
def test_both_entrances_give_one_description(seed, recipe, silence):
    """Silent states too: a percentile or a pruned state brings such peaks about."""
    values = arrays(seed)
    u = abs(np.random.default_rng(seed + 1).standard_normal((20, D)))
    real = sq.RealBlock.of(recipe, **values)
    peaks, headroom = sq.peaks_of(real, u, None, D)
    peaks["s"] = peaks["s"] * silence
    ranges = [{"out": peaks["u"]}, {n: p for n, p in peaks.items() if n != "u"}]
    trained = nnq.quantize(folded(values, recipe.state_nonlinearity), ranges, recipe)
    assert trained.layers[0] == sq.quantize_block(real, peaks, recipe, None, headroom)


@given(
    st.lists(st.tuples(st.floats(0.01, 9), st.floats(-3.2, 3.2)), min_size=1),
    st.integers(2, 16),
)
def test_eigenvalues_of_a_fine_tune_are_rounded_by_the_same_rule(values, bits):
    depth, angle = np.array(values).T
    a = (1 - 10.0**-depth) * np.exp(1j * angle)
    one = 2.0 ** (bits - 1)
    found = round_inside(torch.from_numpy(np.stack([a.real, a.imag]) * one), bits, one)
    expected = quantize_a(a, spec.Recipe(a_bits=bits))
    assert torch.equal(found, torch.from_numpy(np.stack(expected)).double())


def test_eigenvalues_that_do_not_decay_stay_as_they_were_made():
    """A fine-tune of a file that was quantised before begins with its integers."""
    x = torch.tensor([[32767.0, 31305.0], [300.0, 9685.0]], dtype=torch.float64)
    x.requires_grad_()
    found = round_inside(x, 16, 2.0**15)
    assert torch.equal(found, x)
    found.sum().backward()
    assert torch.equal(x.grad, torch.ones_like(x))


@pytest.mark.parametrize("recipe", sorted(sq.RECIPES))
def test_a_process_from_floats_has_the_trained_description(recipe):
    proc = pytest.importorskip("lava_sparse_rnn.proc")
    values = arrays(3)
    u = abs(np.random.default_rng(4).standard_normal((20, D)))
    process = proc.S5Block.from_float(**values, calibration=u, recipe=recipe)
    rule = sq.recipe(recipe).state_nonlinearity
    network = folded(values, rule)
    ranges = nnq.calibrate(network, [torch.from_numpy(u)[None]])
    assert nnq.quantize(network, ranges, recipe) == process.network


def test_refusals_name_layer_and_tensor():
    values = arrays(0)
    network = folded(values | {"bias_z": np.full(D, 1e300)}, "real_gate")
    ranges = nnq.worst_case(folded(values, "real_gate"), 1.0)
    with pytest.raises(SpecError, match=r"layer 0, z before saturation, row 0: no fr"):
        nnq.quantize(network, ranges)
    del ranges[1]["g"]
    with pytest.raises(SpecError, match="layer 0, peaks: those of g are missing"):
        nnq.quantize(network, ranges)
    ranges[1]["x"][2] = np.nan
    with pytest.raises(SpecError, match="peaks of x, row 2: nan, must be finite"):
        nnq.quantize(network, ranges)
    network = folded(values | {"W": np.full((D, D), np.inf)}, "real_gate")
    with pytest.raises(SpecError, match="W: must hold finite numbers"):
        nnq.quantize(network, ranges)


def test_an_impossible_gate_is_refused_by_both():
    values = arrays(1) | {"bias_g": np.full(D, 1e9)}
    message = "g, row 0: W z can be so large"
    ranges = nnq.worst_case(folded(values, "real_gate"), 1.0)
    with pytest.raises(SpecError, match=f"layer 0, {message}"):
        nnq.quantize(folded(values, "real_gate"), ranges)
    real = sq.RealBlock.of(spec.Recipe(), **values)
    with pytest.raises(SpecError, match=message):
        sq.quantize_block(real, real.worst(np.ones(D)), spec.Recipe())


def test_within_worst_case_ranges_nothing_overflows():
    model = SparseRNN(3, 4, 4, 1, 2, hippo_blocks=1, seed=0)
    ranges = nnq.worst_case(model.fold(), [1.0, 0.5, 2.0])
    network = nnq.quantize(model.fold(), ranges, headroom=0)
    rng = np.random.default_rng(0)
    x = rng.choice([-1.0, 0.0, 1.0], (400, 3)) * [1.0, 0.5, 2.0]
    counters = OverflowCounters()
    spec.reference.run(network, network.to_wire(x), counters=counters)
    assert not any(counters.values())
    data = nnq.calibrate(model.fold(), [torch.from_numpy(x)[None]])
    for worst, seen in zip(ranges, data, strict=True):
        assert all((worst[n] >= seen[n] * (1 - 1e-9)).all() for n in seen)


def test_a_recipe_can_be_named():
    model = SparseRNN(3, 4, 4, 1, 2, hippo_blocks=1, seed=0)
    x = torch.rand(1, 9, 3)
    ranges = nnq.calibrate(model.fold(), [x])
    named = nnq.quantize(model.fold(), ranges, "w4a16")
    assert named == nnq.quantize(model.fold(), ranges, nnq.recipe("w4a16"))
    assert {w.bits for layer in named.layers for w in layer.matrices.values()} == {4}
    with pytest.raises(SpecError, match=r"recipe is 'w3', must be one of: w8a16, w8a8"):
        nnq.quantize(model.fold(), ranges, "w3")
    with pytest.raises(SpecError, match="recipe is int, must be a spec.Recipe or"):
        nnq.quantize(model.fold(), ranges, 4)
    layers = torch.nn.ModuleList([blocks.Affine(3, 2)])
    blocks.calibrate(layers[0], [x.transpose(1, 2)])
    blocks.quantize(layers, "w4a16")
    assert layers[0].layer.weights.bits == 4


@pytest.mark.parametrize("recipe", sorted(sq.RECIPES))
@pytest.mark.parametrize("bits", [18, 26, 33, 60])
def test_states_far_quieter_than_others_have_a_format(recipe, bits):
    """The shift to their wire, whose fracs lie close together, would be too far."""
    chosen = sq.recipe(recipe)
    values, rng = arrays(3), np.random.default_rng(4)
    values["B_bar"][0] *= 2.0**-bits
    values["bias_x"][0] = 0
    u = rng.standard_normal((20, D))
    real = sq.RealBlock.of(chosen, **values)
    peaks, headroom = sq.peaks_of(real, u, None, D)
    layer = sq.quantize_block(real, peaks, chosen, None, headroom)
    spec.Network((layer,), chosen)  # validates
    drive = (u + 1j * u) @ values["B_bar"][:, :D].T
    group, state, s = sq.recurrence_group(
        values["a_bar"], np.full(N, 12), None, drive, None, chosen
    )
    assert (group.k_x <= 31).all()
    assert (state.frac - s.frac == group.k_x).all()
