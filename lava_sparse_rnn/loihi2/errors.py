# SPDX-License-Identifier: BSD-3-Clause
"""The error of this room."""


class Loihi2Error(ValueError):
    """A network, chip, mapping or coefficient breaks a rule; the text says how."""
