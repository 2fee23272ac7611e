# SPDX-License-Identifier: BSD-3-Clause
"""The Fourier transform in C: its factors, and the C of each."""

from __future__ import annotations

from dataclasses import dataclass

from lava_sparse_rnn.c_export.sound import _templates


@dataclass(frozen=True)
class Form:
    """The C of one arithmetic.

    Parameters
    ----------
    file : str
        What the names of its templates begin with.
    call : str
        A call, with a place for the name of the function.
    """

    file: str
    call: str

    def called(self, radix: int) -> str:
        """The call of a radix; 0 is an odd one."""
        if radix:
            return self.call.format(f"butterflies_{radix}")
        call = self.call.format("butterflies_odd")
        return call.replace("stride", "stride, radix[stage]")


EVEN = (2, 4)


def factors(points: int) -> list[int]:
    """Radices whose product is ``points``: fours, then a two, then odd primes."""
    found = []
    for radix in (4, 2, *range(3, points + 1, 2)):
        while points % radix == 0:
            found.append(radix)
            points //= radix
    return found


def texts(radices: list[int], form: Form) -> dict[str, str]:
    """The functions that some radices need, and what calls them."""
    kinds = [*dict.fromkeys(r if r in EVEN else 0 for r in radices)]
    functions = [_templates.part(f"{form.file}_{k or 'odd'}.c") for k in kinds]
    return {
        "butterflies": "\n\n".join(functions),
        "dispatch": _dispatch(kinds, form),
    }


def _dispatch(kinds: list[int], form: Form) -> str:
    *tested, last = sorted(kinds, reverse=True)
    lines = []
    for kind in tested:
        lines += [f"        if (radix[stage] == {kind})"]
        lines += [f"            {form.called(kind)}", "        else"]
    indent = " " * (12 if tested else 8)
    # A chain of two tests reads as one: `else` and the next `if` share a line.
    chain = "\n".join(lines).replace("else\n        if", "else if")
    return f"{chain}\n{indent}{form.called(last)}".lstrip("\n")
