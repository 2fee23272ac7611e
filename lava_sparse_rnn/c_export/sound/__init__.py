# SPDX-License-Identifier: BSD-3-Clause
"""A whole denoiser in C99: the front end around the exported network.

`export_denoiser` writes it, `ladspa_plugin` and `browser_page` compile it to what other
programs open.
"""

from lava_sparse_rnn.c_export.sound._compile import (
    browser_page,
    ladspa_bytes,
    ladspa_plugin,
)
from lava_sparse_rnn.c_export.sound._export import export_denoiser
from lava_sparse_rnn.c_export.sound._reference import FixedPointDenoiser

__all__ = [
    "FixedPointDenoiser",
    "browser_page",
    "export_denoiser",
    "ladspa_bytes",
    "ladspa_plugin",
]
