# SPDX-License-Identifier: BSD-3-Clause
"""The C of the neuron groups: templates, and what differs by policy and by width."""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib import resources
from string import Template

from lava_sparse_rnn.fixed_point import SigmoidLines
from lava_sparse_rnn.spec import S4D, Recipe, S5Block

FLOOR = Template("""\
/* v / 2^k, rounded down. C99 leaves >> of a negative number to the compiler: where it
 * is the arithmetic shift, as on every known machine, the question costs nothing. */
#ifndef ARITHMETIC_SHIFT
#define ARITHMETIC_SHIFT ((-1 >> 1) == -1)
#endif
static int32_t floor_shift$suffix($type v, int k)
{
    if (ARITHMETIC_SHIFT || v >= 0)
        return (int32_t)(v >> k);
    return (int32_t)(-1 - ((-1 - v) >> k));
}""")

# By the rounding of the network, of the helper below.
ROUNDED = {
    "floor": ("rounded down", "v"),
    "nearest": (
        "rounded to the nearest, halves up",
        "v + ($type)((u$type)1 << k >> 1)",
    ),
}
SHIFT = Template("""\
/* v / 2^k, $how; k may be negative. */
static int32_t shift$suffix($type v, int k)
{
    if (k < 0)
        return (int32_t)(v * (($type)1 << -k));
    return floor_shift$suffix($rounded, k);
}""")
WIDTHS = {"": "int32_t", "_wide": "int64_t"}

# By the overflow policy. Before a fit numbers are below 2^30: 31 bits hold them all.
FITS = {
    "saturate": """\
/* v, or the end of the range of `bits` bits that lies nearest; bits <= 31. */
static int32_t fit(int32_t v, int bits)
{
    const int32_t limit = (int32_t)1 << (bits - 1);
    return v >= limit ? limit - 1 : v < -limit ? -limit : v;
}""",
    "wrap": """\
/* The lowest `bits` bits of v, as a number with a sign; bits <= 31. */
static int32_t fit(int32_t v, int bits)
{
    const uint32_t half = (uint32_t)1 << (bits - 1);
    return (int32_t)(((uint32_t)v + half) & (2 * half - 1)) - (int32_t)half;
}""",
}

# By the nonlinearity between the state and its wires.
STATE_GATES = {
    "real_gate": """\
            /* The complex number passes whole or not at all. */
            const int pass_re = re > 0 || (re == 0 && im > 0), pass_im = pass_re;""",
    "split": """\
            const int pass_re = re > 0, pass_im = im > 0;""",
    "none": """\
            const int pass_re = 1, pass_im = 1;""",
}

LINES = Template("""\
/* The lines of the sigmoid: slope m / 2^(shift + k) + offset. */
enum { LINES = $count };
static const struct {
    uint16_t slope, offset;
    uint8_t shift;
} lines[LINES] = {
$lines
};""")

RECURRENT = (S4D.type, S5Block.type)
COUNTED = "enum { X_RE, X_IM, S_RE, S_IM };"  # of a recurrence, by number

LICENCE = "/* SPDX-License-Identifier: BSD-3-Clause */\n"


def template(name: str) -> Template:
    """A template of this package, as a whole file."""
    folder = resources.files("lava_sparse_rnn.c_export") / "templates"
    return Template((folder / name).read_text("utf-8"))


def groups(recipe: Recipe, kinds: set[str], words: Mapping[str, object]) -> str:
    """The product with a matrix, and the neuron groups of some types of layers."""
    texts = [_filled("multiply", words)]
    if kinds != {S4D.type}:  # a function that nobody calls is a warning
        texts.append(_filled("start", words))
    if kinds & set(RECURRENT):
        texts.append(COUNTED)
    for kind in sorted(kinds):
        own: dict[str, object] = {**words, "kind": kind}
        if kind in RECURRENT:
            rule = "none" if kind == S4D.type else recipe.state_nonlinearity
            own["state_gate"] = STATE_GATES[rule]
            own["recurrence"] = _filled("recurrence", own)
        texts.append(_filled(kind, own))
    if S5Block.type in kinds:
        texts.insert(0, _lines(recipe.sigmoid))
    return "\n\n".join(texts)


def _filled(name: str, words: Mapping[str, object]) -> str:
    """A template as a part of a file."""
    text = template(f"{name}.c").substitute(words)
    return text.removeprefix(LICENCE).rstrip()


def _lines(sigmoid: SigmoidLines) -> str:
    shift = sigmoid.shift - sigmoid.shift.min()  # what is missing is in the neurons' k
    rows = zip(sigmoid.slope, sigmoid.offset, shift, strict=True)
    lines = "\n".join(f"    {{{m}, {b}, {s}}}," for m, b, s in rows)
    return LINES.substitute(count=len(sigmoid), lines=lines)


def helpers(body: str, recipe: Recipe) -> str:
    """The shifts and the fit that ``body`` calls, with what they need."""
    how, rounded = ROUNDED[recipe.rounding]
    made = []
    for suffix, c_type in WIDTHS.items():
        if not re.search(rf"\bshift{suffix}\(", body):
            continue
        names = {"suffix": suffix, "type": c_type, "how": how}
        floor = FLOOR.substitute(names)
        # The macro is defined once.
        made.append(floor[floor.index("static ") :] if made else floor)
        names["rounded"] = Template(rounded).substitute(names)
        made.append(SHIFT.substitute(names))
    return "\n\n".join([*made, FITS[recipe.overflow]])
