# SPDX-License-Identifier: BSD-3-Clause
"""Which Debian packages carry which recordings, as a table.

A row is one :class:`Source`: files of one package that share a kind, a split and a
licence.  A new corpus is a new row; nothing else names a package.  A speaker or a
noise file belongs to one split only, so that nothing heard in training is measured.
"""

from __future__ import annotations

from dataclasses import dataclass

KINDS = ("speech", "noise")
SPLITS = ("train", "validation", "test")


@dataclass(frozen=True)
class Source:
    """Files of one Debian package that enter one split.

    Attributes
    ----------
    package : str
        Name of the Debian package.
    pattern : str
        Glob below the root of the unpacked package; ``**`` crosses folders.
    kind : str
        ``"speech"`` or ``"noise"``.
    split : str
        ``"train"``, ``"validation"`` or ``"test"``.
    group : str
        Speaker of a voice, family of a noise; ``{p[3]}`` stands for the fourth part
        of the path below the root, ``{parent}`` for the folder, ``{inner}`` for what
        the reader calls a part of a file, up to a slash.
    licence : str
        Licence of the recordings, from the package's copyright file.
    exclude : str
        Regular expression on the path; matching files are left out.
    part : tuple of int
        ``(i, n)``: every n-th file of the sorted list, starting at the i-th.
    longest : float
        Seconds kept from the start of one file, so that music does not drown the
        rest.
    reader : str
        Name in :data:`lava_sparse_rnn.audio.corpus.corpus.decode.READERS`.
    core : bool
        Whether a fetch fails when the package is not available.
    edge_hz : float
        Where the recordings' band ends, if that is below what 16 kHz can hold; 0 if
        it is not.
    """

    package: str
    pattern: str
    kind: str
    split: str
    group: str
    licence: str
    exclude: str = ""
    part: tuple[int, int] = (0, 1)
    longest: float = 60.0
    reader: str = "file"
    core: bool = False
    edge_hz: float = 0.0


def _voice(package: str, pattern: str, group: str, licence: str, **more) -> Source:
    more = {"kind": "speech", "split": "train", **more}
    return Source(package, pattern, group=group, licence=licence, **more)


def _noise(package: str, pattern: str, licence: str, **more) -> Source:
    more = {"kind": "noise", "split": "train", "group": package, **more}
    return Source(package, pattern, licence=licence, **more)


_CC = "CC-BY-SA-3.0"
_GPL = "GPL-2+"
_ASTERISK = "usr/share/asterisk/sounds/*/**/*.g722"
_STAMPS = "usr/share/tuxpaint/stamps/**/*_desc_{}.ogg"
# Pauses, tones, and sixteen seconds of screaming monkeys among the prompts.
_NO_VOICE = r"/silence/|/(tt-monkeys|beep|beeperr|ascending-2tone|descending-2tone)\."
_NOT_AUDIO = r"\.(?!ogg$|wav$|flac$)[^./]*$"
_HORIZONS = "usr/share/unknown-horizons/content/audio"

CORE: tuple[Source, ...] = (
    # English and Spanish prompts are one speaker, hence one group.
    *(
        _voice(
            f"asterisk-core-sounds-{code}-g722",
            _ASTERISK,
            f"asterisk-{speaker}",
            _CC,
            split=split,
            exclude=_NO_VOICE,
            core=True,
        )
        for code, speaker, split in (
            ("en", "allison", "train"),
            ("es", "allison", "train"),
            ("ru", "ivrvoice", "train"),
            ("it", "carlo", "train"),
            ("fr", "june", "validation"),
        )
    ),
    *(
        _voice(
            "tuxpaint-stamps-default",
            _STAMPS.format(code),
            f"stamps-{code}",
            _GPL,
            core=True,
        )
        for code in ("es", "ru", "ro", "bg", "be")
    ),
    _voice(
        "ktuberling-data",
        "usr/share/ktuberling/sounds/*/*.*",
        "ktuberling-{parent}",
        _GPL,
        exclude=_NOT_AUDIO,
        core=True,
    ),
    _voice(
        "klettres-data",
        "usr/share/klettres/*/*/*.ogg",
        "klettres-{p[3]}",
        _GPL,
        core=True,
    ),
    _voice(
        "pocketsphinx-testdata",
        "usr/share/pocketsphinx/test/data/librivox/*.wav",
        "librivox",
        "BSD-2-Clause (LibriVox recordings: public domain)",
        split="test",
        core=True,
    ),
    *(
        _noise(
            "lincity-ng-data",
            "usr/share/games/lincity-ng/sounds/*.wav",
            _GPL,
            split=split,
            part=(i, 2),
            core=True,
        )
        for i, split in enumerate(("validation", "test"))
    ),
    _noise("unknown-horizons", f"{_HORIZONS}/sounds/**/*.ogg", _CC, core=True),
    _noise(
        "unknown-horizons",
        f"{_HORIZONS}/music/**/*.ogg",
        _CC,
        group="music",
        core=True,
    ),
    _noise(
        "openttd-opensfx",
        "usr/share/games/openttd/baseset/**/opensfx.cat",
        _CC,
        reader="riff",
        core=True,
    ),
    _noise(
        "wesnoth-1.16-data",
        "usr/share/games/wesnoth/**/sounds/**/*.*",
        _GPL,
        exclude=_NOT_AUDIO,
        core=True,
    ),
    _noise(
        "asterisk-moh-opsound-g722",
        "usr/share/asterisk/moh/*.g722",
        _CC,
        group="music",
        longest=240.0,
        core=True,
    ),
)

_FILLETS = "usr/share/games/fillets-ng/sound/**/{}/*-{}-*.ogg"
_GAMES = "usr/share/games"

MORE_VOICES: tuple[Source, ...] = (
    *(
        _voice(
            "tuxpaint-stamps-default",
            _STAMPS.format(code),
            f"stamps-{code}",
            _GPL,
            split=split,
        )
        # French and Dutch are left out: their noise is 18 dB below the voice.
        # Of the two voices that are tested, Danish is low and Greek is high.
        for code, split in (
            ("el", "test"),
            ("ca", "train"),
            ("da", "test"),
            ("lt", "train"),
        )
    ),
    # Two actors for each language; m is the small fish, v the big one.  The Dutch
    # recordings have little above 4 kHz, but they are 80 minutes of dialogue.
    *(
        _voice(
            f"fillets-ng-data-{code}",
            _FILLETS.format(code, part),
            f"fillets-{code}-{part}",
            _GPL,
        )
        for code in ("cs", "nl")
        for part in ("m", "v")
    ),
    _voice("gcin-voice", "usr/share/gcin-voice/ogg/*/3.ogg", "gcin-3", "LGPL-3"),
    _voice("gcin-voice", "usr/share/gcin-voice/ogg/*/5.ogg", "gcin-5", "CC-BY-3.0"),
    _voice(
        "hedgewars-data",
        f"{_GAMES}/hedgewars/Data/Sounds/voices/*/*.ogg",
        "hedgewars-{parent}",
        "GFDL-1.3",
        exclude=r"/Robot/",
    ),
    _voice(
        "trigger-rally-data",
        f"{_GAMES}/trigger-rally/data.zip.d/sounds/codriver/*/*.*",
        "trigger-rally-{parent}",
        _GPL,
        exclude=_NOT_AUDIO,
    ),
    _voice("alsa-utils", "usr/share/sounds/alsa/*.wav", "alsa", "GPL-2"),
    # An hour and a half of read sentences, one man.
    _voice(
        "festvox-ru",
        "usr/share/festival/voices/russian/*/wav/*.wav",
        "festvox-ru",
        "BSD-like (Nickolay V. Shmyrev)",
    ),
    # Acted dialogues with large casts, sampled at 11 kHz.
    _voice(
        "flight-of-the-amazon-queen",
        "usr/share/scummvm/*/queen.1c",
        "queen-{inner}",
        "Flight-of-the-Amazon-Queen-License",
        reader="queen",
        edge_hz=5300.0,
    ),
    _voice(
        "drascula",
        "usr/share/scummvm/drascula/*/*.ALS",
        "drascula-{inner}",
        "Drascula-License",
        reader="als",
        edge_hz=5300.0,
    ),
)

_UFO = f"{_GAMES}/ufoai/base/0snd.pk3.d/sound"
_WARZONE = f"{_GAMES}/warzone2100/base.wz.d/audio/sfx"

MORE_NOISES: tuple[Source, ...] = (
    _noise("bucklespring-data", "usr/share/**/*.wav", _GPL),
    _noise(
        "tuxpaint-stamps-default",
        "usr/share/tuxpaint/stamps/**/*.ogg",
        "GPL-2",
        group="stamps",
        # Descriptions and the names of letters and numbers are voices.
        exclude=r"_desc|_en_GB|/symbols/|/people/|dreydl|umlaut|eszett",
    ),
    _noise("minetest-data", f"{_GAMES}/minetest/games/**/*.ogg", "CC-BY-SA-3.0"),
    _noise("minetest-mod-homedecor", "usr/share/**/*.ogg", "CC-BY-SA-4.0"),
    _noise(
        "sonic-pi-samples",
        "usr/share/sonic-pi/samples/*.flac",
        "CC0-1.0",
        exclude=r"/bd_|/bass_|/elec_",
    ),
    _noise(
        "colobot-common-sounds",
        f"{_GAMES}/colobot/sounds/*.wav",
        "GPL-3+",
    ),
    _noise(
        "ufoai-sound",
        f"{_UFO}/ambience/*.ogg",
        "GPL-2+ and CC-BY-SA-3.0",
        group="ufoai-ambience",
        exclude=r"radiomessage|tv_news",  # these speak
    ),
    _noise(
        "ufoai-sound",
        f"{_UFO}/**/*.*",
        "GPL-2+ and CC-BY-SA-3.0",
        exclude=rf"/(ambience|soldiers|civilians|ui)/|{_NOT_AUDIO}",
    ),
    _noise("warzone2100-data", f"{_WARZONE}/**/*.ogg", _GPL, exclude=r"/interfce/"),
    _noise("lugaru-data", f"{_GAMES}/lugaru/Sounds/*.ogg", "CC-BY-SA-3.0"),
    _noise("scorched3d-data", f"{_GAMES}/scorched3d/**/*.wav", _GPL),
    _noise("bzflag-data", f"{_GAMES}/bzflag/*.wav", "LGPL-2.1 or MPL-2.0"),
    _noise("simutrans-pak64", f"{_GAMES}/simutrans/pak/sound/*.wav", "Artistic-1.0"),
    _noise("opencity-data", f"{_GAMES}/opencity/sound/*.wav", _GPL),
    _noise("micropolis-data", f"{_GAMES}/micropolis/**/*.wav", "GPL-3+"),
    _noise("openssn-data", f"{_GAMES}/openssn/sounds/*.ogg", "GPL-2"),
    _noise("extremetuxracer-data", f"{_GAMES}/etr/sounds/*.wav", _GPL),
    _noise("searchandrescue-data", f"{_GAMES}/searchandrescue/sounds/**/*.wav", "GPL"),
    _noise("crrcsim-data", f"{_GAMES}/crrcsim/sounds/*.wav", "GPL-2"),
    _noise(
        "fillets-ng-data",
        f"{_GAMES}/fillets-ng/sound/**/*.ogg",
        _GPL,
        exclude=r"/(en|cs|nl)/",
    ),
    _noise("fillets-ng-data", f"{_GAMES}/fillets-ng/music/*.ogg", _GPL, group="music"),
    _noise("endless-sky-data", f"{_GAMES}/endless-sky/sounds/**/*.wav", "CC-BY-SA-4.0"),
    _noise(
        "trigger-rally-data",
        f"{_GAMES}/trigger-rally/data.zip.d/sounds/*.*",
        _GPL,
        exclude=_NOT_AUDIO,
    ),
    _noise("warmux-data", f"{_GAMES}/warmux/sound/default/weapons/*.*", _GPL),
    _noise("warmux-data", f"{_GAMES}/warmux/sound/default/misc/*.*", _GPL),
    _noise(
        "openarena-data",
        f"{_GAMES}/openarena/baseoa/pak0.pk3.d/sound/**/*.*",
        _GPL,
        exclude=rf"/(player/(?!footsteps)[^/]*/|feedback|voices)|{_NOT_AUDIO}",
    ),
    _noise("btanks-data", f"{_GAMES}/btanks/data/sounds/**/*.ogg", _GPL),
    _noise("dustracing2d-data", f"{_GAMES}/dustracing2d/**/*.ogg", "CC0-1.0"),
    _noise(
        "hedgewars-data",
        f"{_GAMES}/hedgewars/Data/Sounds/*.ogg",
        "GFDL-1.3",
        exclude=r"countdown|Yoohoo|chant",
    ),
    _noise("freedink-data", f"{_GAMES}/dink/dink/Sound/*.wav", "CC-BY-SA-3.0"),
    _noise("tuxfootball", f"{_GAMES}/tuxfootball/**/*.*", _GPL, exclude=_NOT_AUDIO),
    _noise("trophy-data", f"{_GAMES}/trophy/**/*.*", _GPL, exclude=_NOT_AUDIO),
    _noise("qabcs-data", "usr/share/qabcs/abcs/all/noises/*.ogg", "GPL-3+"),
    _noise(
        "scratch",
        "usr/share/scratch/Media/Sounds/**/*.wav",
        "CC-BY-SA-3.0",
        exclude=r"/(Human|Vocals|Instruments|Music Loops)/",
    ),
)

SOURCES: tuple[Source, ...] = CORE + MORE_VOICES + MORE_NOISES
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
