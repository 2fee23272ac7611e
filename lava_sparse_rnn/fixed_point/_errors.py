# SPDX-License-Identifier: BSD-3-Clause
"""The error that bad numbers, formats and files raise."""


class SpecError(ValueError):
    """A description, format or value breaks a rule; the text says which and how."""
