# SPDX-License-Identifier: BSD-3-Clause
"""All that is taken out of Debian packages: the table of voices and that of noises.

A row is one :class:`~.source.Source`: files of one package that share a kind, a split
and a licence.  A new corpus is a new row; nothing else names a package.  A speaker or
a noise file belongs to one split only, so that nothing heard in training is measured.
"""

from __future__ import annotations

from lava_sparse_rnn.audio.corpus.noises import CORE_NOISES, MORE_NOISES
from lava_sparse_rnn.audio.corpus.source import KINDS, SPLITS, Source
from lava_sparse_rnn.audio.corpus.voices import CORE_VOICES, MORE_VOICES

__all__ = ["FAMILIES", "KINDS", "SOURCES", "SPLITS", "UNLIKE", "Source"]

SOURCES: tuple[Source, ...] = (
    *CORE_VOICES,
    *CORE_NOISES,
    *MORE_VOICES,
    *MORE_NOISES,
)
"""Everything that a fetch gets."""

UNLIKE: dict[str, tuple[str, ...]] = {
    "validation": (
        "searchandrescue-data",
        "simutrans-pak64",
        "minetest-data",
        "minetest-mod-homedecor",
        "trigger-rally-data",
    ),
    "test": (
        "lugaru-data",
        "micropolis-data",
        "colobot-common-sounds",
        "gcin-voice",
        "festvox-ru",
    ),
}
"""Packages that a training of the family ``unlike`` does without, by split.

A game's sounds resemble each other, so that what is to be unlike all that was learnt
comes from packages of its own. They are measured beside what the split has anyway.
"""

FAMILIES = ("usual", "unlike")
"""Which packages are held out: none as a whole, or those of :data:`UNLIKE`."""
