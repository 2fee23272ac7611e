# SPDX-License-Identifier: BSD-3-Clause
"""What a model cannot use it names in one line, before torch has an inner error."""

import math

import numpy as np
import pytest
import torch

from lava_sparse_rnn.nn import S5Block, SparseRNN, blocks, load_s5, quantize
from lava_sparse_rnn.nn.sparsify import prune, sparsity

SIZES = {"d_in": 4, "d_model": 8, "d_state": 8, "n_layers": 1, "d_out": 3}
X = torch.randn(2, 9, 4, generator=torch.Generator().manual_seed(0))
MODEL = SparseRNN(**SIZES).eval()
FOLDED = MODEL.fold()
TUNED = quantize.QuantizedRNN(
    FOLDED, quantize.quantize(FOLDED, quantize.calibrate(FOLDED, X))
)


def refused(call, says, kind=ValueError):
    with pytest.raises(kind, match=says) as caught:
        call()
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize("name", SIZES)
@pytest.mark.parametrize("value", [0, -1, 2.5, "3", True, None, math.nan, [4]])
def test_sizes_are_whole_numbers(name, value):
    says = f"{name} is .*, must be a whole number from 1"
    refused(lambda: SparseRNN(**SIZES | {name: value}), says)
    if name in ("d_model", "d_state"):
        rng = np.random.default_rng(0)
        sizes = {"d_model": 8, "d_state": 8} | {name: value}
        refused(lambda: S5Block(**sizes, rng=rng), says)
    assert SparseRNN(**SIZES | {name: np.int64(4)})


@pytest.mark.parametrize("seed", [-1, 1.5, "a", None, True])
def test_a_seed_is_a_whole_number(seed):
    says = "seed is .*, must be a whole number from 0"
    refused(lambda: SparseRNN(**SIZES, seed=seed), says)
    refused(lambda: blocks.Affine(4, 3, seed=seed), says)
    refused(lambda: blocks.S5(4, 8, seed=seed), says)


OPTIONS = {
    "dropout": [math.nan, -0.1, 1.5, "0.1", None, True, 1j, math.inf],
    "norm_eps": [-1e-9, math.nan, math.inf, "x", None],
    "dt_min": [math.nan, 0, -1.0, "x", None],
    "dt_max": [math.inf, math.nan, "x"],
    "hippo_blocks": [0, -1, 1.5, "2", True],
    "top_k": [math.nan, "x", True, [0.5]],
    "clip_eigs": ["yes", 2, None, 0],
    "conj_sym": ["no", 1],
    "straight_through": ["x", None],
    "activation": [None, 3, ["relu"]],
    "gate": [["half1"], {}],
    "state_nonlinearity": [{}],
    "discretisation": [0],
}


@pytest.mark.parametrize("name", OPTIONS)
def test_options_are_what_they_can_be(name):
    model = SparseRNN(**SIZES)
    for value in OPTIONS[name]:
        says = f"^{name} is .*must be "
        refused(lambda v=value: SparseRNN(**SIZES, **{name: v}), says)
        if name not in ("hippo_blocks", "gate", "conj_sym"):
            refused(lambda v=value: model.change(**{name: v}), says)
    assert model.options == SparseRNN(**SIZES).options


def test_options_that_there_are_not_are_named():
    says = "^option is 'hippos', must be one of: hippo_blocks, state_nonlin"
    rng = np.random.default_rng(0)
    for call in (
        lambda: SparseRNN(**SIZES, hippos=2),
        lambda: S5Block(4, 8, rng=rng, hippos=2),
        lambda: blocks.S5(4, 8, hippos=2),
        lambda: MODEL.change(hippos=2),
    ):
        refused(call, says, TypeError)


NO_FEATURES = {
    "numpy": (X.numpy(), r"x is of type ndarray; expected a float tensor \(batch, "),
    "list": (X.tolist(), "x is of type list; .*torch.as_tensor makes one"),
    "None": (None, "x is of type NoneType"),
    "number": (np.float64(2), "x is of type float64"),
    "text": ("x", "x is of type str"),
    "scalar": (torch.tensor(1.0), r"x has shape \(\); expected \(batch, time, 4\)"),
    "width": (torch.ones(2, 9, 5), r"x has shape \(2, 9, 5\)"),
    "axes": (X[0], r"x has shape \(9, 4\)"),
    "int64": (X.long(), r"x is of torch.int64; .* x.float\(\) is one"),
    "bool": (X > 0, "x is of torch.bool"),
    "complex": (X + 0j, "x is of torch.complex64"),
}


@pytest.mark.parametrize("model", [MODEL, TUNED], ids=["float", "integers"])
def test_what_are_no_features_is_named(model):
    for x, says in NO_FEATURES.values():
        refused(lambda x=x: model(x), says)
    refused(lambda: MODEL(X.double()), "x is of torch.float64, the weights are of .*32")
    with torch.autocast("cpu", torch.bfloat16):  # which looks after types
        assert MODEL(X.bfloat16()).shape == (2, 9, 3)


NO_LENGTHS = {
    "list": ([9, 5], "lengths is of type list; expected a tensor of whole numbers"),
    "numpy": (np.array([9, 5]), "lengths is of type ndarray"),
    "number": (5, "lengths is of type int"),
    "float": (torch.tensor([9.0, 5.0]), "lengths is of torch.float32; expected whole"),
    "flags": (torch.tensor([True, True]), "lengths is of torch.bool"),
    "shape": (torch.tensor([1, 2, 3]), r"lengths has shape \(3,\); expected \(2,\)"),
    "zero": (torch.tensor([0, 5]), "lengths go from 0 to 5; they must lie in 1 to 9"),
    "beyond": (torch.tensor([10, 5]), "lengths go from 5 to 10"),
}


def test_what_are_no_lengths_is_named():
    mean = SparseRNN(**SIZES, head="mean").eval()
    for lengths, says in NO_LENGTHS.values():
        for call in (MODEL, mean, TUNED.answer):
            refused(lambda c=call, n=lengths: c(X, n), says)


def test_a_step_asks_for_a_token_and_a_state():
    state = MODEL.initial_state(2)
    for x, says in (
        (
            X[:, 0].numpy(),
            r"x is of type ndarray; expected a float tensor \(batch,",
        ),
        (X, r"x has shape \(2, 9, 4\); expected \(batch, 4\)"),
        (X[:, 0].long(), "x is of torch.int64"),
    ):
        refused(lambda x=x: MODEL.step(x, state), says)
    for wrong in (None, [], [state[0], state[0]], [state[0][:1]], state[0], ["x"]):
        says = r"expected a list of 1 tensors of shapes \(2, 8\)"
        refused(lambda s=wrong: MODEL.step(X[:, 0], s), says)
    assert MODEL.step(X[:, 0], state)[0].shape == (2, 3)


def test_what_is_no_material_is_named(tmp_path):
    for features in (None, 3, "x", {"a": X}):
        says = "features are .*; expected a tensor"
        refused(lambda f=features: quantize.calibrate(FOLDED, f), says)
        refused(lambda f=features: MODEL.export_hdf5(tmp_path / "a.net", f), says)
    for features in ([X.numpy()], ["x"], [3], [()], [None]):
        refused(lambda f=features: quantize.calibrate(FOLDED, f), "batch 0 is .*expec")
    for recipe in (3, ["w8a8"], {}):
        refused(lambda r=recipe: MODEL.export_hdf5(tmp_path / "a.net", X, r), "recipe")
    for meta in (3, "x", [1]):
        says = "meta is .*, must be a mapping"
        refused(lambda m=meta: MODEL.export_hdf5(tmp_path / "a.net", X, None, m), says)
    for path in (None, 3, b"a.net"):
        refused(lambda p=path: MODEL.export_hdf5(p, X), "must be a path")
    for percentile in (math.nan, "99", 0, 101):
        refused(lambda p=percentile: quantize.calibrate(FOLDED, X, p), "percentile is")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: MODEL.set_fused("yes"), "fused is 'yes', must be True or False"),
        (
            lambda: MODEL.set_compute_dtype("bf16"),
            "compute_dtype is 'bf16'; it must be",
        ),
        (lambda: MODEL.set_compute_dtype(torch.int8), "compute_dtype is torch.int8"),
        (lambda: MODEL.fold("double"), "dtype is 'double'; it must be a torch.dtype"),
        (lambda: S5Block(4, 8, rng=3), "rng is 3; it must be a numpy.random.Generator"),
        (lambda: load_s5(None), "arrays are None, must be a mapping"),
        (lambda: load_s5([X]), "must be a mapping of names"),
        (lambda: prune(MODEL, math.nan), "sparsity is nan, must be .*at least 0 and"),
        (lambda: prune(MODEL, 1.5), "sparsity is 1.5, must be .* at most 1"),
        (lambda: prune(MODEL, "0.5"), "sparsity is '0.5'"),
        (lambda: blocks.Affine(0, 3), "in_neurons is 0, must be a whole number from 1"),
        (lambda: blocks.Affine(4, 2.5), "out_neurons is 2.5"),
        (lambda: blocks.Affine(4, 3, input_frac="6"), "input_frac is '6'"),
        (lambda: blocks.Affine(4, 3, count_log="no"), "count_log is 'no'"),
        (lambda: blocks.Affine(4, 3)(X.numpy()), "x has type ndarray; expected a tens"),
    ],
)
def test_what_cannot_be_is_named(call, says):
    refused(call, says)


@pytest.mark.parametrize("value", [math.nan, math.inf, 0, -1.0, "2", None, True])
def test_time_is_stretched_by_a_number(value):
    before = [p.clone() for p in MODEL.parameters()]
    refused(lambda: MODEL.stretch_time(value), "factor is .*finite number above 0")
    assert all(map(torch.equal, before, MODEL.parameters()))


@pytest.mark.parametrize("value", [None, "x.net", MODEL, [FOLDED], TUNED.network()])
def test_what_is_not_folded_is_named(value):
    network, says = TUNED.network(), "folded is .*; expected a FoldedNetwork"
    refused(lambda: quantize.calibrate(value, X), says)
    refused(lambda: quantize.quantize(value, []), says)
    refused(lambda: quantize.worst_case(value, 1.0), says)
    refused(lambda: quantize.QuantizedRNN(value, network), says)
    refused(lambda: quantize.error_report(value, network, X), says)


@pytest.mark.parametrize("value", [None, "model", X, FOLDED, TUNED])
def test_what_cannot_be_folded_or_pruned_is_named(value):
    refused(lambda: quantize.fold(value), "model is .*; expected a model with fold")
    refused(lambda: prune(value, 0.5), "model is .*; expected one with prunable")
    refused(lambda: sparsity(value), "model is .*; expected one with prunable")


def test_sparse_tensors_are_named(tmp_path):
    for model in (MODEL, TUNED):
        refused(lambda m=model: m(X.to_sparse()), r"x is torch.sparse_coo; .*to_dense")


def test_only_modules_are_quantised_and_written_as_layers(tmp_path):
    path = tmp_path / "a.net"
    relu, block = torch.nn.ReLU(), blocks.Affine(4, 3)
    for value in (X, [], [relu], [X, block], block, None, "ab", 3):
        says = "blocks is .*; expected a list of modules"
        refused(lambda v=value: blocks.quantize(v), says)
        refused(lambda v=value: blocks.export_hdf5(v, path), says)
    assert not path.exists()


def test_ranges_are_what_calibration_gives():
    ranges, says = (
        quantize.calibrate(FOLDED, X),
        r"ranges is .*; expected a list of dic",
    )
    for given in (X, torch.zeros(4, 9, 4), None, ranges[0], [None] * 4, "x" * 4):
        refused(lambda g=given: quantize.quantize(FOLDED, g), says)
    short = [dict(peaks) for peaks in ranges]
    short[2]["out"] = short[2]["out"][:3]
    refused(lambda: quantize.quantize(FOLDED, short), "layer 1: its peaks do not fit")
    tensors = [{n: torch.from_numpy(v) for n, v in r.items()} for r in ranges]
    wanted = quantize.quantize(FOLDED, ranges)
    assert quantize.quantize(FOLDED, tensors) == wanted
