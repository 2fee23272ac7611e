# SPDX-License-Identifier: BSD-3-Clause
"""A whole denoiser in C99: the front end around the exported network."""

from lava_sparse_rnn.c_export.sound._export import export_denoiser

__all__ = ["export_denoiser"]
