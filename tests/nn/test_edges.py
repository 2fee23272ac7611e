# SPDX-License-Identifier: BSD-3-Clause
"""Edges at which torch's inner errors would come out, or a wrong number."""

import pytest
import torch

from lava_sparse_rnn.nn import SparseRNN, gated_scan, quantize

MODEL = SparseRNN(4, 8, 8, 1, 3, hippo_blocks=2).eval()
X = torch.randn(2, 9, 4, generator=torch.Generator().manual_seed(0))
FOLDED = MODEL.fold()
RANGES = quantize.calibrate(FOLDED, X)


def integers(**changes):
    network = quantize.quantize(FOLDED, RANGES, quantize.recipe(**changes))
    return quantize.QuantizedRNN(FOLDED, network)


def second_derivative(loss, inp):
    (gradient,) = torch.autograd.grad(loss, inp, create_graph=True)
    return torch.autograd.grad(gradient.pow(2).sum(), inp)


@pytest.mark.parametrize("power", [1, 3])
def test_the_scan_refuses_a_second_derivative(power):
    a = torch.tensor([0.6], dtype=torch.double, requires_grad=True)
    drive = torch.randn(7, 2, 2, dtype=torch.double, requires_grad=True)
    loss = gated_scan(a, a * 0, drive).pow(power).sum()
    with pytest.raises(RuntimeError, match="GatedScan has no second derivative"):
        second_derivative(loss, drive)


@pytest.mark.parametrize("kind", ["integers", "bfloat16"])
def test_other_gradients_of_our_own_refuse_it_too(kind):
    model = integers() if kind == "integers" else SparseRNN(4, 8, 8, 1, 3)
    if kind == "bfloat16":
        model.set_compute_dtype(torch.bfloat16)
    parameter = next(model.parameters())
    with pytest.raises(RuntimeError, match="has no second derivative"):
        second_derivative(model(X).pow(2).sum(), parameter)


def test_first_derivatives_with_a_graph_are_the_same():
    x = X.clone().requires_grad_()
    plain, kept = (
        torch.autograd.grad(MODEL(x).pow(2).sum(), x, create_graph=graph)[0]
        for graph in (False, True)
    )
    assert torch.equal(plain, kept)


@pytest.mark.parametrize("model", [MODEL, integers()], ids=["float", "integers"])
@pytest.mark.parametrize("shape", [(2, 0, 4), (0, 5, 4)])
def test_no_tokens_get_no_answers(model, shape):
    x = torch.zeros(shape, requires_grad=True)
    y = model(x)
    assert y.shape == (*shape[:2], 3)
    y.sum().backward()
    assert x.grad.shape == shape


def test_calibration_passes_over_batches_without_tokens():
    found = quantize.calibrate(FOLDED, [X[:, :0], X, X[:0]])
    for layer, expected in zip(found, RANGES, strict=True):
        assert {n: v.tolist() for n, v in layer.items()} == {
            n: v.tolist() for n, v in expected.items()
        }
    with pytest.raises(ValueError, match="at least one token, got none"):
        quantize.calibrate(FOLDED, [X[:, :0]])


def test_calibration_takes_a_tensor_or_a_loader_of_pairs():
    pairs = torch.utils.data.TensorDataset(X, torch.zeros(2))
    for material in (X, [X], torch.utils.data.DataLoader(pairs, batch_size=1)):
        found = quantize.calibrate(FOLDED, material)
        assert all((found[1]["out"] == RANGES[1]["out"]).tolist())
    network = quantize.quantize(FOLDED, RANGES)
    one = quantize.error_report(FOLDED, network, X)
    assert one == quantize.error_report(FOLDED, network, [(X, torch.zeros(2))])
    with pytest.raises(ValueError, match=r"batch 0 is \(9, 4\); expected a tensor"):
        quantize.calibrate(FOLDED, [X[0]])
    with pytest.raises(ValueError, match=r"batch 1 is str; expected .*time, 4\)"):
        quantize.calibrate(FOLDED, [X, "x"])


def test_export_takes_a_tensor(tmp_path):
    one = MODEL.export_hdf5(tmp_path / "a.net", X)
    assert one == MODEL.export_hdf5(tmp_path / "b.net", [X])


def test_the_mean_does_not_look_at_the_padding():
    model = SparseRNN(4, 8, 8, 1, 3, hippo_blocks=2, head="mean").eval()
    lengths = torch.tensor([9, 5])
    padded = X.clone()
    padded[1, 5:] = float("nan")
    assert torch.equal(model(padded, lengths), model(X, lengths))


@pytest.mark.parametrize("size", [2, 6, 16, 64])
def test_any_state_size_has_its_blocks(size):
    model = SparseRNN(d_in=3, d_model=4, d_state=size, n_layers=1, d_out=2)
    assert model.blocks[0].lambda_re.numel() == size // 2
    with pytest.raises(ValueError, match="d_state is 16; it must be a multiple of 2 "):
        SparseRNN(3, 4, 16, 1, 2, hippo_blocks=16)
    with pytest.raises(ValueError, match="d_state is 3; it must be a multiple of 2"):
        SparseRNN(3, 4, 3, 1, 2)
