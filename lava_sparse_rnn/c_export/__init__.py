# SPDX-License-Identifier: BSD-3-Clause
"""A network as self-contained C99, for machines without an operating system.

`export` writes it, `export_denoiser` with the front end of a denoiser around it, in
floats or in the integers of `FixedPointDenoiser`; `ladspa_plugin` and `browser_page`
compile the one of floats; `measure` says what a compiler makes of an export.
"""

from lava_sparse_rnn.c_export._c import identifier_of
from lava_sparse_rnn.c_export._export import Export, export
from lava_sparse_rnn.c_export._sizes import Sizes, measure
from lava_sparse_rnn.c_export.sound import (
    FixedPointDenoiser,
    browser_page,
    export_denoiser,
    ladspa_bytes,
    ladspa_plugin,
)

__all__ = [
    "Export",
    "FixedPointDenoiser",
    "Sizes",
    "browser_page",
    "export",
    "export_denoiser",
    "identifier_of",
    "ladspa_bytes",
    "ladspa_plugin",
    "measure",
]
