# SPDX-License-Identifier: BSD-3-Clause
"""The Fourier transform in C: its factors, and the C of each."""

from __future__ import annotations

from lava_sparse_rnn.c_export.sound import _templates

# Calls by radix; another one is odd.
CALLS = {
    2: "butterflies_2(x, y, m, stride);",
    4: "butterflies_4(x, y, m, stride);",
}
ODD = "butterflies_odd(x, y, m, stride, radix[stage]);"


def factors(points: int) -> list[int]:
    """Radices whose product is ``points``: fours, then a two, then odd primes."""
    found = []
    for radix in (4, 2, *range(3, points + 1, 2)):
        while points % radix == 0:
            found.append(radix)
            points //= radix
    return found


def texts(radices: list[int]) -> dict[str, str]:
    """The functions that some radices need, and what calls them."""
    kinds = [*dict.fromkeys(r if r in CALLS else 0 for r in radices)]
    names = {0: "odd"} | {r: str(r) for r in CALLS}
    functions = [_templates.part(f"butterfly_{names[k]}.c") for k in kinds]
    return {
        "butterflies": "\n\n".join(functions),
        "dispatch": _dispatch(kinds),
    }


def _dispatch(kinds: list[int]) -> str:
    *tested, last = sorted(kinds, reverse=True)
    lines = []
    for kind in tested:
        lines += [f"        if (radix[stage] == {kind})", f"            {CALLS[kind]}"]
        lines += ["        else"]
    indent = " " * (12 if tested else 8)
    # A chain of two tests reads as one: `else` and the next `if` share a line.
    chain = "\n".join(lines).replace("else\n        if", "else if")
    return f"{chain}\n{indent}{CALLS.get(last, ODD)}".lstrip("\n")
