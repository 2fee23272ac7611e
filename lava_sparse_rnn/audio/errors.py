# SPDX-License-Identifier: BSD-3-Clause
"""Errors that this room raises."""

from __future__ import annotations


class AudioError(ValueError):
    """A file, a folder or a signal cannot be used; the message names which and why."""


class MissingDependencyError(ImportError):
    """An optional package or a program of the system is needed and not installed."""
