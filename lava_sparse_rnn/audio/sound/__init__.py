# SPDX-License-Identifier: BSD-3-Clause
"""A signal: WAV files, the short-time Fourier transform, pictures of it."""
