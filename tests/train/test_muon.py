# SPDX-License-Identifier: BSD-3-Clause
"""Muon: its products against the singular value decomposition, pruned weights."""

import pytest
import torch

from lava_sparse_rnn.nn import loops
from lava_sparse_rnn.train import muon, open_float
from lava_sparse_rnn.train.loop import Stage
from lava_sparse_rnn.train.muon import Muon, orthogonalised


@pytest.mark.parametrize("shape", [(8, 8), (40, 12), (12, 40)])
@pytest.mark.parametrize("dtype", [None, torch.bfloat16])
def test_singular_values_near_one_and_vectors_kept(shape, dtype):
    torch.manual_seed(0)
    x = torch.randn(shape)
    u, _, v = torch.linalg.svd(x, full_matrices=False)
    # In the basis of the singular vectors the result is diagonal.
    inside = u.t() @ orthogonalised(x, dtype) @ v.t()
    values = inside.diagonal()
    assert values.min() > 0.5
    assert values.max() < 1.3
    assert (inside - values.diag()).abs().max() < (0.05 if dtype else 1e-4)


def _step(parameter, gradient, **group):
    made = Muon([{"params": [parameter], "muon": True, **group}])
    parameter.grad = gradient
    made.step()


def test_pruned_weights_stay_and_the_rest_moves_by_the_rate():
    torch.manual_seed(0)
    before = torch.randn(20, 30)
    parameter = torch.nn.Parameter(before.clone())
    mask = torch.rand(20, 30) < 0.2
    _step(parameter, torch.randn(20, 30) * mask, lr=0.01, weight_decay=0.0)
    change = (parameter - before).detach()
    assert torch.equal(change[~mask], torch.zeros(int((~mask).sum())))
    assert change[mask].square().mean().sqrt().item() == pytest.approx(0.002, rel=1e-3)


@pytest.mark.skipif(loops.products() is None, reason="this processor has no AMX")
@pytest.mark.parametrize("shape", [(3, 37, 70), (2, 90, 33), (1, 64, 64), (2, 1, 5)])
def test_products_of_our_own_are_as_near_as_those_of_torch(shape):
    torch.manual_seed(0)
    x = torch.randn(shape)
    x = (x / x.square().sum((1, 2), keepdim=True).sqrt()).bfloat16()
    truth = muon._iterated(x.double())
    constants = muon._ITERATIONS, muon._A, muon._B, muon._C
    by_threads = [x.clone(), x.clone()]
    for threads, found in enumerate(by_threads, 1):
        given = loops.memory(found)
        loops.products().orthogonalise(threads, *shape, *constants, given)
    assert torch.equal(*by_threads)
    near, torchs = (
        (found.double() - truth).norm() for found in (by_threads[0], muon._iterated(x))
    )
    assert near < 1.2 * torchs + 1e-3


@pytest.mark.parametrize("short", [torch.bfloat16, torch.float32])
@pytest.mark.parametrize("shape", [(20, 30), (30, 20), (7, 7)])
def test_compiled_passes_equal_the_plain_ones(shape, short, monkeypatch):
    monkeypatch.setattr(muon, "short_type", lambda device: short)

    def stepped():
        torch.manual_seed(0)
        parameters = [torch.nn.Parameter(torch.randn(shape)) for _ in range(3)]
        group = {"params": parameters, "muon": True, "lr": 0.1, "weight_decay": 0.1}
        made = Muon([group])
        for _ in range(3):
            for p in parameters[:2]:
                p.grad = torch.randn(shape) * (torch.rand(shape) < 0.3)
            made.step()
        return torch.stack([p.detach() for p in parameters])

    compiled = stepped()
    monkeypatch.setattr(loops, "built", lambda: False)
    near = 3e-3 if short == torch.bfloat16 else 1e-6
    assert torch.allclose(compiled, stepped(), atol=near)


def test_it_goes_downhill_and_decays():
    torch.manual_seed(0)
    target, weight = torch.randn(6, 9), torch.nn.Parameter(torch.randn(6, 9))
    made = Muon([{"params": [weight], "muon": True, "lr": 0.1, "weight_decay": 0.0}])
    distances = []
    for _ in range(150):
        made.zero_grad()
        distance = (weight - target).square().mean()
        distance.backward()
        made.step()
        distances.append(distance.item())
    assert distances[-1] < 0.01 * distances[0]

    still = torch.nn.Parameter(torch.ones(3, 3))
    _step(still, torch.zeros(3, 3), lr=0.1, weight_decay=0.5)
    assert torch.allclose(still, torch.full((3, 3), 0.95))


def test_other_groups_are_those_of_adamw():
    torch.manual_seed(0)
    start, gradient = torch.randn(5), torch.randn(5)
    results = []
    for kind in (Muon, torch.optim.AdamW):
        parameter = torch.nn.Parameter(start.clone())
        group = {"params": [parameter], "lr": 0.1, "weight_decay": 0.0}
        made = kind([group], betas=(0.9, 0.99))
        for _ in range(3):
            parameter.grad = gradient.clone()
            made.step()
        results.append(parameter.detach())
    assert torch.equal(*results)


@pytest.mark.slow
def test_a_run_with_muon_resumes_bit_by_bit(tiny):
    def stage(name, until) -> Stage:
        made = open_float(tiny(name=name, optim={"algorithm": "muon"}))
        made.fit(until)
        return made

    whole = stage("whole", None)
    stage("parts", 5)
    parts = stage("parts", None)
    for name, value in whole.model.state_dict().items():
        assert torch.equal(value, parts.model.state_dict()[name]), name
    compared = 0
    for a, b in zip(whole.model.parameters(), parts.model.parameters(), strict=True):
        for key, value in whole.optimizer.state[a].items():
            assert torch.equal(value, parts.optimizer.state[b][key]), key
            compared += key == "momentum"
    assert compared == 7  # matrices of the tiny network
