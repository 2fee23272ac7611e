# SPDX-License-Identifier: BSD-3-Clause
"""A command line that cannot be understood: one line, as for all errors."""

from __future__ import annotations

from typing import Any

import typer

from lava_sparse_rnn import messages

# typer brings its own click or imports one: the base class of what either raises.
UsageProblem: type[Exception] = next(
    base for base in typer.BadParameter.__mro__ if base.__name__ == "ClickException"
)


def explain(error: Any) -> str:
    """What is wrong with the command line: the option, its value, what it must be.

    Nothing where the help was shown instead.

    Parameters
    ----------
    error : UsageProblem
    """
    found = getattr(error.__cause__, "errors", None)
    option = getattr(error, "param", None)
    if option is not None and found is not None:
        # Within a list too it is the option that counts.
        return messages.fields([e | {"loc": ()} for e in found()], option.opts[0])
    text = error.format_message().rstrip(".")
    where = getattr(error, "ctx", None)
    return (
        text
        if where is None or not text
        else f"{text}; see {where.command_path} --help"
    )
