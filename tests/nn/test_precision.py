# SPDX-License-Identifier: BSD-3-Clause
"""Products in bfloat16 only where the processor multiplies in it by itself."""

from pathlib import Path

import pytest
import torch

from lava_sparse_rnn.nn import loops, precision

CPUINFO = Path("/proc/cpuinfo")


def flags():
    """What the system says of the processor, Linux on x86."""
    lines = CPUINFO.read_text("utf-8").splitlines() if CPUINFO.exists() else []
    return {flag for x in lines if x.startswith("flags") for flag in x.split()}


def test_the_processor_has_the_instructions():
    found = flags()
    if not {"sse2", "lm"} <= found:
        pytest.skip("no /proc/cpuinfo of x86")
    own = "avx512_bf16" in found
    assert precision.short_type() == (torch.bfloat16 if own else torch.float32)


def test_devices_that_torch_does_not_say_it_of_have_float32():
    assert precision.short_type("meta") == torch.float32


def test_a_torch_that_does_not_know_has_float32(monkeypatch):
    monkeypatch.setattr(torch.ops, "mkldnn", object())
    monkeypatch.delattr(torch.cpu, "_is_avx512_bf16_supported", raising=False)
    monkeypatch.setattr(loops, "products", lambda: None)
    assert precision.short_type.__wrapped__() == torch.float32
