# SPDX-License-Identifier: BSD-3-Clause
"""Heads that answer a whole sequence, in training and after export."""

import numpy as np
import pytest
import torch

from lava_sparse_rnn import backends, spec
from lava_sparse_rnn.nn import SparseRNN, parameter_groups
from lava_sparse_rnn.nn import quantize as nnq
from lava_sparse_rnn.nn.heads import HEADS
from lava_sparse_rnn.nn.parameters import POLICIES


def model_of(head="sequence"):
    return SparseRNN(4, 6, 8, 1, 3, hippo_blocks=2, head=head, seed=2)


@pytest.mark.parametrize("head", ["mean", "last"])
def test_heads_answer_once_per_sequence_and_learn(head):
    torch.manual_seed(0)
    model = model_of(head)
    x = torch.randn(8, 30, 4)
    target = torch.randint(3, (8,))
    losses = []
    for _ in range(2):
        logits = model(x)
        loss = torch.nn.functional.cross_entropy(logits, target)
        losses.append(loss.item())
        model.zero_grad()
        loss.backward()
        with torch.no_grad():
            for p in model.parameters():
                p -= 1e-3 * p.grad
    assert logits.shape == (8, 3)
    assert losses[1] < losses[0]
    assert bool(model.encoder.grad.any())


@pytest.mark.parametrize("head", ["mean", "last"])
def test_padding_does_not_matter(head):
    torch.manual_seed(0)
    model = model_of(head).eval()
    x = torch.randn(2, 30, 4)
    x[0, 17:] = 100.0
    found = model(x, torch.tensor([17, 30]))
    assert torch.allclose(found[0], model(x[:1, :17])[0], atol=1e-5)
    assert torch.allclose(found[1], model(x[1:])[0], atol=1e-5)


@pytest.mark.parametrize("head", HEADS)
def test_the_exported_network_answers_like_the_head(head, tmp_path):
    torch.manual_seed(0)
    model = model_of(head)
    x = torch.randn(4, 60, 4)
    with torch.no_grad():
        for _ in range(5):
            model(x)
        expected = model.eval()(x).numpy()
    model.export_hdf5(tmp_path / "head.net", [x], meta={"task": "count"})
    network = spec.load(tmp_path / "head.net")
    assert network.meta.get("head", "sequence") == head
    found = backends.answer(network, x.numpy(), backend="reference")
    assert np.linalg.norm(found - expected) < 0.03 * np.linalg.norm(expected)


@pytest.mark.parametrize("head", HEADS)
def test_the_head_goes_through_folding_and_quantising(head):
    torch.manual_seed(0)
    model = model_of(head).eval()
    x, lengths = torch.randn(3, 12, 4), torch.tensor([12, 5, 1])
    folded = model.fold()
    network = nnq.quantize(folded, nnq.calibrate(folded, [x]), meta={"task": "count"})
    assert spec.head_of(network) == head == nnq.unfold(network).head
    assert network.meta["task"] == "count"
    quantised = nnq.QuantizedRNN(folded, network)
    given = None if head == "sequence" else lengths
    found = quantised.answer(x, given).detach().numpy()
    same = quantised.network()
    valid = None if given is None else given.numpy()
    wanted = backends.answer(same, x.numpy(), valid, backend="reference")
    assert found.shape == wanted.shape
    # Whole numbers of a wire, divided once in float32 and once in float64.
    assert np.allclose(found, wanted, rtol=1e-6, atol=0)


def test_errors_name_what_is_wrong():
    with pytest.raises(
        ValueError, match="head is 'max', must be one of: sequence, mean"
    ):
        model_of("max")
    x = torch.randn(2, 5, 4)
    with pytest.raises(ValueError, match=r"shape \(3,\); expected \(2,\)"):
        model_of("mean")(x, torch.tensor([1, 2, 3]))
    with pytest.raises(ValueError, match="go from 0 to 9.*1 to 5"):
        model_of("last")(x, torch.tensor([0, 9]))


@pytest.mark.parametrize("policy", POLICIES)
def test_every_parameter_has_one_group(policy):
    model = model_of()
    groups = parameter_groups(model, policy)
    found = [id(p) for group in groups.values() for p in group]
    assert sorted(found) == sorted(id(p) for p in model.parameters())
    names = {id(p): n for n, p in model.named_parameters()}
    where = {names[id(p)]: kind for kind, group in groups.items() for p in group}
    assert where["blocks.0.lambda_im"] == where["blocks.0.norm.bias"] == "dynamics"
    assert where["encoder"] == where["blocks.0.gate"] == "matrices"
    assert where["blocks.0.D"] == "vectors"
    expected = {
        "dynamics": ("matrices", "matrices"),
        "standard": ("dynamics", "matrices"),
        "b_decay": ("slow_matrices", "matrices"),
        "no_bc_decay": ("dynamics", "dynamics"),
    }[policy]
    assert (where["blocks.0.B_re"], where["blocks.0.C_im"]) == expected


def test_an_unknown_policy_is_named():
    with pytest.raises(ValueError, match="policy is 'x', must be one of: dynamics"):
        parameter_groups(model_of(), "x")
