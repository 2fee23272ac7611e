# SPDX-License-Identifier: BSD-3-Clause
"""Integer arithmetic: formats, shifts, saturation, the sigmoid, overflow counts."""

from lava_sparse_rnn.fixed_point._arithmetic import (
    Arithmetic,
    IntegerArithmetic,
    RealArithmetic,
)
from lava_sparse_rnn.fixed_point._brief import Brief, brief, shown, span
from lava_sparse_rnn.fixed_point._checks import (
    as_array,
    check_flag,
    check_number,
    check_whole,
)
from lava_sparse_rnn.fixed_point._counters import OverflowCounters
from lava_sparse_rnn.fixed_point._errors import SpecError, choose
from lava_sparse_rnn.fixed_point._format import (
    MAX_BITS,
    Immutable,
    QFormat,
    frozen_ints,
    quantize,
)
from lava_sparse_rnn.fixed_point._ops import (
    MAX_SHIFT,
    OVERFLOWS,
    ROUNDINGS,
    Shift,
    saturate,
    shift,
    wrap,
)
from lava_sparse_rnn.fixed_point._sigmoid import (
    PLAN,
    SIGMOID_FRAC,
    SIGMOID_ONE,
    SigmoidLines,
    fit_lines,
    lines_from_points,
    lines_from_real,
)

__all__ = [
    "MAX_BITS",
    "MAX_SHIFT",
    "OVERFLOWS",
    "PLAN",
    "ROUNDINGS",
    "SIGMOID_FRAC",
    "SIGMOID_ONE",
    "Arithmetic",
    "Brief",
    "Immutable",
    "IntegerArithmetic",
    "OverflowCounters",
    "QFormat",
    "RealArithmetic",
    "Shift",
    "SigmoidLines",
    "SpecError",
    "as_array",
    "brief",
    "check_flag",
    "check_number",
    "check_whole",
    "choose",
    "fit_lines",
    "frozen_ints",
    "lines_from_points",
    "lines_from_real",
    "quantize",
    "saturate",
    "shift",
    "shown",
    "span",
    "wrap",
]
