# SPDX-License-Identifier: BSD-3-Clause
"""Where voices and noises come from: Debian packages, decoded once into flat files."""

from lava_sparse_rnn.audio.corpus.corpus import DEFAULT_CACHE, fetch, open_split

__all__ = ["DEFAULT_CACHE", "fetch", "open_split"]
