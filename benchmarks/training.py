# SPDX-License-Identifier: BSD-3-Clause
"""Training speed of S5 on this machine: ``python benchmarks/training.py [-o FILE]``.

Tokens per second, forward and backward, of one state-space layer (``B``, recurrence,
``C``, ``D``) written three ways with the same parameters: `nn.gated_scan`, a loop over
the tokens, and `s5.S5` of the public package s5-pytorch (``pip install s5-pytorch``; it
is no dependency of this library). Before anything is timed, all three must give the
same outputs and the same gradient. Then a whole block, here and there: `nn.S5Block`
(batch norm, gate of H x H), in its plain and its fused form, with products in float32
and in bfloat16, and `s5.S5Block` (layer norms, gated feed-forward of 3 H x H), which is
not the same function.

The variants take turns in one run. Figures are medians over the rounds and, because a
busy machine only ever makes a round slower, the fastest; ratios are to s5-pytorch.
"""

from __future__ import annotations

import argparse
import copy
import os
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np
import torch
from torch import Tensor, nn

from lava_sparse_rnn.nn import S5Block, gated_scan

HIPPO_BLOCKS = 16


class Layer(nn.Module):
    """``y = 2 Re(C x) + D u`` of the states of an `S5Block`.

    Parameters
    ----------
    block : S5Block
        Its parameters are used.
    sequential : bool
        Whether the states are computed token by token.
    """

    def __init__(self, block: S5Block, sequential: bool) -> None:
        super().__init__()
        self.block, self.sequential = block, sequential

    def forward(self, u: Tensor) -> Tensor:
        """(T, B, H) to the same."""
        block = self.block
        a_re, a_im, b_re, b_im = block.discretise()
        drive = u @ torch.cat([b_re, b_im]).t()
        if self.sequential:
            x = _loop(torch.complex(a_re, a_im), drive)
        else:
            x = gated_scan(a_re, a_im, drive)
        C = 2 * torch.cat([block.C_re, -block.C_im], dim=1)
        return torch.addcmul(x @ C.t(), u, block.D)


def _loop(a: Tensor, drive: Tensor) -> Tensor:
    b = torch.complex(*drive.chunk(2, dim=-1))
    x, states = torch.zeros_like(b[0]), []
    for b_t in b.unbind(0):
        x = a * x + b_t
        states.append(x)
    x = torch.stack(states)
    return torch.cat([x.real, x.imag], dim=-1)


class BatchFirst(nn.Module):
    """A module of (B, T, H) for inputs of (T, B, H)."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, u: Tensor) -> Tensor:
        """(T, B, H) to the same."""
        return self.module(u.transpose(0, 1)).transpose(0, 1)


def peers(block: S5Block) -> tuple[nn.Module, nn.Module]:
    """The package's layer with the parameters of `block`, and its block."""
    try:
        import s5
    except ImportError:
        raise SystemExit(
            "this benchmark needs the public package: pip install s5-pytorch"
        ) from None
    n, width = len(block.log_step), block.d_model
    layer = s5.S5(width, n, block_count=HIPPO_BLOCKS)
    seq = layer.seq
    with torch.no_grad():
        seq.Lambda.copy_(torch.complex(block.lambda_re, block.lambda_im))
        seq.B.copy_(torch.stack([block.B_re, block.B_im], dim=-1))
        seq.C.copy_(2 * torch.complex(block.C_re, block.C_im))
        seq.D.copy_(block.D)
        seq.log_step.copy_(block.log_step.reshape(seq.log_step.shape))
    theirs = s5.S5Block(width, n, bidir=False, block_count=HIPPO_BLOCKS)
    return BatchFirst(layer), BatchFirst(theirs)


def check_equal(layers: dict[str, nn.Module], u: Tensor) -> None:
    """All layers answer alike and have the same gradient by their input."""
    found = {}
    for name, layer in layers.items():
        inp = u.clone().requires_grad_()
        y = layer(inp)
        y.square().sum().backward()
        found[name] = (y.detach(), inp.grad)
    first = next(iter(found.values()))
    for name, values in found.items():
        for mine, other in zip(first, values, strict=True):
            error = float((mine - other).norm() / mine.norm())
            if not error < 1e-4:
                raise SystemExit(f"{name} differs by {error:.1e} of the norm")


def forms(block: S5Block) -> dict[str, nn.Module]:
    """The block in both forms and two types of products, after a comparison."""
    found: dict[str, nn.Module] = {}
    for name, dtype in (("float32", None), ("bfloat16", torch.bfloat16)):
        for form in ("plain", "fused"):
            other = copy.deepcopy(block)
            other.fused, other.compute_dtype = form == "fused", dtype
            found[f"nn.S5Block, {form}, {name}"] = other
    u = torch.rand(50, 2, block.d_model)
    check_equal({name: m for name, m in found.items() if "float32" in name}, u)
    return found


def timed(step: Callable[[], None]) -> float:
    """Seconds of one call."""
    start = time.perf_counter()
    step()
    return time.perf_counter() - start


def training_step(module: nn.Module, u: Tensor) -> Callable[[], None]:
    """Forward and backward of one batch."""

    def step() -> None:
        module.zero_grad(set_to_none=True)
        module(u).square().mean().backward()

    return step


def measure(
    modules: dict[str, nn.Module], u: Tensor, rounds: int
) -> dict[str, list[float]]:
    """Seconds of every round, after one round that does not count."""
    steps = {name: training_step(module, u) for name, module in modules.items()}
    for step in steps.values():
        step()
    seconds: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(rounds):
        for name, step in steps.items():
            seconds[name].append(timed(step))
    return seconds


def table(seconds: dict[str, list[float]], n_tokens: int, unit: str) -> list[str]:
    """Rows of Markdown: medians and fastest rounds, and their ratios to `unit`'s."""
    base = seconds[unit]
    return [
        f"| {name} | {n_tokens / median(t):,.0f} | {median(base) / median(t):.2f} | "
        f"{n_tokens / min(t):,.0f} | {min(base) / min(t):.2f} |"
        for name, t in seconds.items()
    ]


def report(options: argparse.Namespace) -> str:
    """Everything as Markdown."""
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    block = S5Block(
        options.width, 2 * options.states, rng=rng, hippo_blocks=HIPPO_BLOCKS
    )
    layer, other = peers(block)
    layers = {
        "nn.gated_scan": Layer(block, sequential=False),
        "loop over tokens": Layer(block, sequential=True),
        "s5-pytorch S5": layer,
    }
    u = torch.rand(options.tokens, options.batch, options.width)
    check_equal(layers, u[: min(options.tokens, 100), :2])
    n = options.tokens * options.batch
    blocks = {**forms(block), "s5-pytorch S5Block": other}
    before = os.getloadavg()[0]
    rows = table(measure(layers, u, options.rounds), n, "s5-pytorch S5")
    more = table(measure(blocks, u, options.rounds), n, "s5-pytorch S5Block")
    return "\n".join(
        [
            f"{options.batch} x {options.tokens} tokens, {options.width} features, "
            f"{options.states} complex states, float32, {torch.get_num_threads()} "
            f"threads, torch {torch.__version__}, {options.rounds} rounds; load "
            f"{before:.1f} before and {os.getloadavg()[0]:.1f} after.",
            "",
            "| forward and backward | tokens/s | ratio | best | ratio of the best |",
            "|---|---|---|---|---|",
            *rows,
            *more,
            "",
        ]
    )


def main() -> None:
    """Measure, print, and write the table where asked to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--tokens", type=int, default=375, help="3 s of audio")
    parser.add_argument("--width", type=int, default=192)
    parser.add_argument("--states", type=int, default=128, help="complex")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--threads", type=int, help="of torch")
    parser.add_argument("-o", "--output", type=Path, help="write the table here")
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    text = report(options)
    print(text, end="")
    if options.output is not None:
        options.output.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
