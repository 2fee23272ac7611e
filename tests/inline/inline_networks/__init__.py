# SPDX-License-Identifier: BSD-3-Clause
"""Lava Processes whose models do what a test says (Lava imports this whole folder)."""

from inline_networks.process import Async, Scripted, Typed

__all__ = ["Async", "Scripted", "Typed"]
