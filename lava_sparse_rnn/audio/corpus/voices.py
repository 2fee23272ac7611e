# SPDX-License-Identifier: BSD-3-Clause
"""Which Debian packages carry which voices, as a table."""

from __future__ import annotations

from lava_sparse_rnn.audio.corpus.source import CC, GAMES, GPL, NOT_AUDIO, Source, voice

_ASTERISK = "usr/share/asterisk/sounds/*/**/*.g722"
_STAMPS = "usr/share/tuxpaint/stamps/**/*_desc_{}.ogg"
# Pauses, tones, and sixteen seconds of screaming monkeys among the prompts.
_NO_VOICE = r"/silence/|/(tt-monkeys|beep|beeperr|ascending-2tone|descending-2tone)\."
_FILLETS = "usr/share/games/fillets-ng/sound/**/{}/*-{}-*.ogg"

CORE_VOICES: tuple[Source, ...] = (
    # English and Spanish prompts are one speaker, hence one group.
    *(
        voice(
            f"asterisk-core-sounds-{code}-g722",
            _ASTERISK,
            f"asterisk-{speaker}",
            CC,
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
        voice(
            "tuxpaint-stamps-default",
            _STAMPS.format(code),
            f"stamps-{code}",
            GPL,
            core=True,
        )
        for code in ("es", "ru", "ro", "bg", "be")
    ),
    voice(
        "ktuberling-data",
        "usr/share/ktuberling/sounds/*/*.*",
        "ktuberling-{parent}",
        GPL,
        exclude=NOT_AUDIO,
        core=True,
    ),
    voice(
        "klettres-data",
        "usr/share/klettres/*/*/*.ogg",
        "klettres-{p[3]}",
        GPL,
        core=True,
    ),
    voice(
        "pocketsphinx-testdata",
        "usr/share/pocketsphinx/test/data/librivox/*.wav",
        "librivox",
        "BSD-2-Clause (LibriVox recordings: public domain)",
        split="test",
        core=True,
    ),
)

_NEXUIZ = f"{GAMES}/nexuiz/data/data.pk3.d/sound"

MORE_VOICES: tuple[Source, ...] = (
    *(
        voice(
            "tuxpaint-stamps-default",
            _STAMPS.format(code),
            f"stamps-{code}",
            GPL,
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
        voice(
            f"fillets-ng-data-{code}",
            _FILLETS.format(code, part),
            f"fillets-{code}-{part}",
            GPL,
        )
        for code in ("cs", "nl")
        for part in ("m", "v")
    ),
    voice("gcin-voice", "usr/share/gcin-voice/ogg/*/3.ogg", "gcin-3", "LGPL-3"),
    voice("gcin-voice", "usr/share/gcin-voice/ogg/*/5.ogg", "gcin-5", "CC-BY-3.0"),
    voice(
        "hedgewars-data",
        f"{GAMES}/hedgewars/Data/Sounds/voices/*/*.ogg",
        "hedgewars-{parent}",
        "GFDL-1.3",
        exclude=r"/Robot/",
    ),
    voice(
        "trigger-rally-data",
        f"{GAMES}/trigger-rally/data.zip.d/sounds/codriver/*/*.*",
        "trigger-rally-{parent}",
        GPL,
        exclude=NOT_AUDIO,
    ),
    voice("alsa-utils", "usr/share/sounds/alsa/*.wav", "alsa", "GPL-2"),
    # An hour and a half of read sentences, one man.
    voice(
        "festvox-ru",
        "usr/share/festival/voices/russian/*/wav/*.wav",
        "festvox-ru",
        "BSD-like (Nickolay V. Shmyrev)",
    ),
    # Acted dialogues with large casts, sampled at 11 kHz.
    voice(
        "flight-of-the-amazon-queen",
        "usr/share/scummvm/*/queen.1c",
        "queen-{inner}",
        "Flight-of-the-Amazon-Queen-License",
        reader="queen",
        edge_hz=5300.0,
    ),
    voice(
        "drascula",
        "usr/share/scummvm/drascula/*/*.ALS",
        "drascula-{inner}",
        "Drascula-License",
        reader="als",
        edge_hz=5300.0,
    ),
    voice(
        "beneath-a-steel-sky",
        "usr/share/scummvm/*/sky.dnr",
        "sky-{inner}",
        "Beneath-a-Steel-Sky-License",
        reader="sky",
        edge_hz=5300.0,
    ),
    # The same game was acted again in two more languages.
    *(
        voice(
            f"drascula-{language}",
            "usr/share/scummvm/drascula/*/*.ALS",
            f"drascula-{language}-{{inner}}",
            "Drascula-License",
            reader="als",
            edge_hz=5300.0,
        )
        for language in ("spanish", "italian")
    ),
    voice(
        "nexuiz-data",
        f"{_NEXUIZ}/player/*/coms/*.*",
        "nexuiz-{p[8]}",
        "GPL-2",
        # Voices of monsters, and one that echoes.
        exclude=rf"/(carni-lycan|reptilian|fricka)/|{NOT_AUDIO}",
    ),
    voice("nexuiz-data", f"{_NEXUIZ}/tutorial/*.*", "nexuiz-tutorial", "GPL-2"),
    voice("nexuiz-data", f"{_NEXUIZ}/announcer/male/*.*", "nexuiz-announcer", "GPL-2"),
    *(
        voice(
            "0ad-data",
            f"{GAMES}/0ad/mods/public/public.zip.d/audio/voice/*/civ/civ_{who}_*.ogg",
            f"0ad-{{p[9]}}-{who}",
            CC,
        )
        for who in ("female", "male")
    ),
    # Calls of a cartoon's hero, in one voice for each language.
    *(
        voice(
            "planetblupi-common",
            f"usr/share/planetblupi/sound/{code}/*.*",
            f"planetblupi-{code}",
            "GPL-3+",
            exclude=NOT_AUDIO,
        )
        for code in ("de", "en_US", "fr", "he", "it")
    ),
    voice(
        "boswars-data",
        f"{GAMES}/boswars/units/*/*.*",
        "boswars",
        GPL,
        exclude=r"/(?![^/]*\.(ready|underattack|completed)\.)[^/]*$",
    ),
    voice(
        "boswars-data",
        f"{GAMES}/boswars/campaigns/tutorial/*.*",
        "boswars-tutorial",
        GPL,
        exclude=NOT_AUDIO,
    ),
    voice(
        "csmash-data",
        f"{GAMES}/csmash/wav/*.wav",
        "csmash",
        GPL,
        exclude=r"/(click|racket|table)",
    ),
    voice(
        "unknown-horizons",
        "usr/share/unknown-horizons/content/audio/voice/*/*/**/*.ogg",
        "unknown-horizons-{p[6]}",
        CC,
    ),
    *(
        voice(
            "warzone2100-data",
            f"{GAMES}/warzone2100/base.wz.d/audio/{folder}/**/*.ogg",
            f"warzone-{who}",
            GPL,
            edge_hz=5300.0,
        )
        for folder, who in (
            ("tutorial", "teacher"),
            ("memressp", "computer"),
            ("taunts/taunt1", "taunt1"),
            ("taunts/taunt2", "taunt2"),
            ("taunts/taunt3", "taunt3"),
        )
    ),
)
