# SPDX-License-Identifier: BSD-3-Clause
"""docs/block.md: the block in plain torch computes what `S5Block` computes."""

import re
from pathlib import Path

import numpy as np
import pytest
import torch

from lava_sparse_rnn.nn.s5 import S5Block

PAGE = Path(__file__).parents[2] / "docs" / "block.md"


def plain_block():
    code = re.search(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)[1]
    names = {}
    exec(compile(code, str(PAGE), "exec"), names)
    return names["PlainS5Block"]


@pytest.mark.slow
@pytest.mark.parametrize(("d_model", "d_state"), [(6, 8), (5, 2), (1, 4)])
def test_the_plain_block_computes_the_same(d_model, d_state):
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    ours = S5Block(d_model, d_state, rng=rng, hippo_blocks=1).double().eval()
    with torch.no_grad():
        for value in (ours.norm.weight, ours.norm.bias, ours.gate_bias):
            value.uniform_(-1, 1)
        ours.norm.running_mean.uniform_(-1, 1)
        ours.norm.running_var.uniform_(0.5, 2)
    plain = plain_block()(d_model, d_state).eval()
    plain.norm = ours.norm
    plain.D.data, plain.log_step.data = ours.D.data, ours.log_step.data
    plain.Lambda.data = torch.complex(ours.lambda_re.data, ours.lambda_im.data)
    plain.B.data = torch.complex(ours.B_re.data, ours.B_im.data)
    plain.C.data = torch.complex(ours.C_re.data, ours.C_im.data)
    plain.gate.weight.data = ours.gate.data
    plain.gate.bias.data = ours.gate_bias.data

    u = torch.rand(40, d_model, dtype=torch.float64)
    torch.testing.assert_close(plain(u), ours(u[:, None])[:, 0], rtol=1e-9, atol=1e-9)


def test_the_plain_block_learns():
    block = plain_block()(4, 6)
    block(torch.rand(10, 4)).sum().backward()
    for name, value in block.named_parameters():
        assert value.grad is not None, name
        assert value.grad.abs().sum() > 0, name


def test_the_page_keeps_its_word():
    text = PAGE.read_text("utf-8")
    body = text[text.index("class PlainS5Block") : text.index("```\n\nWhat")]
    assert len([line for line in body.splitlines() if line.strip()]) <= 40
