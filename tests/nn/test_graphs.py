# SPDX-License-Identifier: BSD-3-Clause
"""Networks as graphs: torch.export, torch.compile, and what TorchScript is told."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lava_sparse_rnn.nn import SparseRNN, blocks, quantize
from lava_sparse_rnn.nn.quantize.rules import bias_parts
from lava_sparse_rnn.spec import Bias

OPTIONS = {
    "default": {},
    "published": {"activation": "gelu", "gate": "full", "top_k": 0.5},
    "other": {
        "discretisation": "bilinear",
        "conj_sym": False,
        "straight_through": True,
    },
    "mean": {"head": "mean", "state_nonlinearity": "split"},
    "last": {"head": "last", "gate": "none"},
}
X = torch.randn(3, 7, 4, generator=torch.Generator().manual_seed(0))


def model_of(**options):
    return SparseRNN(4, 8, 8, 1, 3, hippo_blocks=2, **options).eval()


def integers():
    folded = quantize.fold(model_of())
    ranges = quantize.calibrate(folded, [X])
    return quantize.QuantizedRNN(folded, quantize.quantize(folded, ranges))


def quantised_blocks():
    model = torch.nn.Sequential(
        blocks.Affine(4, 8), blocks.S5(8, 8, hippo_blocks=2), blocks.Affine(8, 3)
    ).eval()
    blocks.calibrate(model, [X.transpose(1, 2)])
    blocks.quantize(model)
    return model


def arguments(model):
    if getattr(model, "head", "sequence") == "sequence":
        return (X,)
    return X, torch.tensor([7, 3, 5])


def close(a, b):
    torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_a_float_network_is_exported(options, strict):
    model = model_of(**options)
    x = arguments(model)
    close(torch.export.export(model, x, strict=strict).module()(*x), model(*x))


@pytest.mark.slow
@pytest.mark.parametrize("dtype", [None, torch.bfloat16])
@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_a_compiled_network_has_the_same_gradients(options, dtype):
    torch._dynamo.reset()
    model = model_of(**options)
    model.set_compute_dtype(dtype)
    compiled = torch.compile(model, backend="eager", fullgraph=True)
    found = []
    for network in (model, compiled):
        model.zero_grad()
        network(*arguments(model)).float().square().sum().backward()
        found.append([p.grad.clone() for p in model.parameters() if p.grad is not None])
    tolerance = 1e-4 if dtype is None else 5e-2
    for own, graph in zip(*found, strict=True):
        assert (own - graph).norm() <= tolerance * (1e-3 + own.norm())


@pytest.mark.slow
def test_the_batch_of_an_export_may_vary():
    model = model_of()
    shapes = ({0: torch.export.Dim("batch", min=2, max=64)},)
    exported = torch.export.export(model, (X,), dynamic_shapes=shapes, strict=False)
    many = torch.randn(11, 7, 4)
    close(exported.module()(many), model(many))


@pytest.mark.parametrize(
    "steps", [3, *(pytest.param(n, marks=pytest.mark.slow) for n in (1, 2, 8, 21, 67))]
)
def test_any_length_is_exported(steps):
    model, x = model_of(), torch.randn(2, steps, 4)
    close(torch.export.export(model, (x,), strict=False).module()(x), model(x))


# torch's, of constants that are no buffers
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Attempted to insert a get_attr")
@pytest.mark.filterwarnings("ignore:Node .*_lifted_tensor")
@pytest.mark.parametrize("made", [integers, quantised_blocks])
def test_integers_are_exported_bit_by_bit(made):
    model = made()
    x = X if made is integers else X.transpose(1, 2)
    exported = torch.export.export(model, (x,), strict=False).module()
    for scale in (1, 0, 40):  # 40: most of it saturates
        assert torch.equal(exported(scale * x), model(scale * x))


@pytest.mark.slow
# torch's, of Python 3.13.0 and of what its compiler looks at
@pytest.mark.filterwarnings("ignore:Guards may run slower:RuntimeWarning")
@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor:UserWarning")
def test_integers_are_left_alone_by_a_compiler():
    torch._dynamo.reset()
    model = integers()
    compiled = torch.compile(model, backend="eager")
    assert torch.equal(compiled(X), model(X))
    gradients = []
    for network in (model, compiled):
        model.zero_grad()
        network(X).square().sum().backward()
        grads = (p.grad for p in model.parameters())
        gradients.append([g.clone() for g in grads if g is not None])
    assert all(torch.equal(*pair) for pair in zip(*gradients, strict=True))


def test_what_cannot_leave_integers_alone_is_told_what_can():
    torch._dynamo.reset()
    model = integers()
    with pytest.raises(Exception, match="# strict=False, fullgraph=False"):
        torch.export.export(model, (X,), strict=True)
    with pytest.raises(Exception, match="# strict=False, fullgraph=False"):
        torch.compile(model, backend="eager", fullgraph=True)(X)


# Later torches say of TorchScript that it is on its way out.
@pytest.mark.filterwarnings("ignore:.torch.jit.script:FutureWarning")
@pytest.mark.parametrize("inside", [False, True])
@pytest.mark.parametrize("made", [model_of, integers, quantised_blocks])
def test_torch_script_says_what_to_do(made, inside):
    model = torch.nn.Sequential(torch.nn.ReLU(), made()) if inside else made()
    with pytest.raises(RuntimeError, match="TorchScript .* torch.export.export can"):
        torch.jit.script(model)


@pytest.mark.filterwarnings("ignore:.torch.jit.trace:FutureWarning")
@pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning")
@pytest.mark.parametrize("made", [model_of, integers])
def test_a_trace_says_what_to_do(made):
    with pytest.raises(RuntimeError, match="export_hdf5 writes a network that engine"):
        torch.jit.trace(made(), X, check_trace=False)


SIZES = st.floats(-(2.0**30) + 1, 2.0**30 - 1)


@given(st.lists(SIZES, min_size=1, max_size=9), st.integers(2, 24), st.integers(0, 40))
def test_the_parts_of_a_bias_are_the_quantiser_s(values, bits, down):
    scaled = torch.tensor(values, dtype=torch.double) / 2.0**down
    mantissa, exponent = bias_parts(scaled, bits)
    expected = Bias.quantize(scaled.numpy(), 0, bits)
    assert mantissa.tolist() == expected.mant.tolist()
    assert exponent.tolist() == expected.exp.tolist()
