# SPDX-License-Identifier: BSD-3-Clause
"""Run configurations for hardware: what they need that Lava's public wheel lacks."""

from __future__ import annotations

from importlib.util import find_spec

from lava.magma.core.run_configs import AbstractLoihiHWRunCfg, RunConfig

EXTENSION = "lava.magma.core.model.nc"


class NoHardwareError(ImportError):
    """A run configuration for Loihi without Lava's extension for it."""


def has_extension() -> bool:
    """Whether Lava's Loihi extension, which is not public, is installed."""
    return find_spec(EXTENSION) is not None


def check_hardware(run_cfg: RunConfig | None) -> None:
    """Refuse a configuration for hardware that Lava would fail on with a NameError.

    Raises
    ------
    NoHardwareError
        It says what is missing and what to do instead.
    """
    if isinstance(run_cfg, AbstractLoihiHWRunCfg) and not has_extension():
        raise NoHardwareError(
            f"{type(run_cfg).__name__} needs Lava's extension for Loihi, which Intel "
            "gives to members of its research community: the public package lava-nc "
            f"has no module {EXTENSION}. On this machine run with Loihi2SimCfg or "
            "proc.MicrocodeSimCfg. For a board write a bundle (lava-sparse-rnn deploy "
            "NET -o BUNDLE, or loihi2.write_bundle) and run it where a deployment "
            "backend for that board is installed; see docs/deploy.md"
        )
