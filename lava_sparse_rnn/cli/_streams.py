# SPDX-License-Identifier: BSD-3-Clause
"""Standard streams that whoever starts the command has closed."""

from __future__ import annotations

import os
import sys


def occupy() -> None:
    """Give closed ones to the null device.

    Else the next file that is opened gets the number, and whatever a library prints
    goes into it.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest number that is free: this one


def leave_output_to_result() -> None:
    """Say everything on standard error: a result goes to standard output.

    A line among a file's bytes would spoil it for whoever reads them.
    """
    sys.stdout = sys.stderr
