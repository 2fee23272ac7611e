# SPDX-License-Identifier: BSD-3-Clause
"""Which Debian packages carry which noises, as a table."""

from __future__ import annotations

from lava_sparse_rnn.audio.corpus.source import CC, GAMES, GPL, NOT_AUDIO, Source, noise

_HORIZONS = "usr/share/unknown-horizons/content/audio"
_UFO = f"{GAMES}/ufoai/base/0snd.pk3.d/sound"
_WARZONE = f"{GAMES}/warzone2100/base.wz.d/audio/sfx"

CORE_NOISES: tuple[Source, ...] = (
    *(
        noise(
            "lincity-ng-data",
            "usr/share/games/lincity-ng/sounds/*.wav",
            GPL,
            split=split,
            part=(i, 2),
            core=True,
        )
        for i, split in enumerate(("validation", "test"))
    ),
    noise("unknown-horizons", f"{_HORIZONS}/sounds/**/*.ogg", CC, core=True),
    noise(
        "unknown-horizons",
        f"{_HORIZONS}/music/**/*.ogg",
        CC,
        group="music",
        core=True,
    ),
    noise(
        "openttd-opensfx",
        "usr/share/games/openttd/baseset/**/opensfx.cat",
        CC,
        reader="riff",
        core=True,
    ),
    noise(
        "wesnoth-1.16-data",
        "usr/share/games/wesnoth/**/sounds/**/*.*",
        GPL,
        exclude=NOT_AUDIO,
        core=True,
    ),
    noise(
        "asterisk-moh-opsound-g722",
        "usr/share/asterisk/moh/*.g722",
        CC,
        group="music",
        longest=240.0,
        core=True,
    ),
)

_MEGAGLEST = f"{GAMES}/megaglest"
_ANIMALS = (
    "chicken|wolf|owl|rooster|hawk|mudchute|cow_|pig_|bull_|sheep|ele|bee|eagle_|snake"
)
_WORK = (
    r"anvil|arrow_hit|axe_thrower_attack|catapult|tower_|worker_(?!ack|die|select)|"
    r"technician_(mine|build|hit)|tech_building|horseman_walk|machine_walk|"
    r"orni_fl|air_hit"
)

MORE_NOISES: tuple[Source, ...] = (
    noise("bucklespring-data", "usr/share/**/*.wav", GPL),
    noise(
        "tuxpaint-stamps-default",
        "usr/share/tuxpaint/stamps/**/*.ogg",
        "GPL-2",
        group="stamps",
        # Descriptions and the names of letters and numbers are voices.
        exclude=r"_desc|_en_GB|/symbols/|/people/|dreydl|umlaut|eszett",
    ),
    noise("minetest-data", f"{GAMES}/minetest/games/**/*.ogg", "CC-BY-SA-3.0"),
    noise("minetest-mod-homedecor", "usr/share/**/*.ogg", "CC-BY-SA-4.0"),
    noise(
        "sonic-pi-samples",
        "usr/share/sonic-pi/samples/*.flac",
        "CC0-1.0",
        exclude=r"/bd_|/bass_|/elec_",
    ),
    noise(
        "colobot-common-sounds",
        f"{GAMES}/colobot/sounds/*.wav",
        "GPL-3+",
    ),
    noise(
        "ufoai-sound",
        f"{_UFO}/ambience/*.ogg",
        "GPL-2+ and CC-BY-SA-3.0",
        group="ufoai-ambience",
        exclude=r"radiomessage|tv_news",  # these speak
    ),
    noise(
        "ufoai-sound",
        f"{_UFO}/**/*.*",
        "GPL-2+ and CC-BY-SA-3.0",
        exclude=rf"/(ambience|soldiers|civilians|ui)/|{NOT_AUDIO}",
    ),
    noise("warzone2100-data", f"{_WARZONE}/**/*.ogg", GPL, exclude=r"/interfce/"),
    noise("lugaru-data", f"{GAMES}/lugaru/Sounds/*.ogg", "CC-BY-SA-3.0"),
    noise("scorched3d-data", f"{GAMES}/scorched3d/**/*.wav", GPL),
    noise("bzflag-data", f"{GAMES}/bzflag/*.wav", "LGPL-2.1 or MPL-2.0"),
    noise("simutrans-pak64", f"{GAMES}/simutrans/pak/sound/*.wav", "Artistic-1.0"),
    noise("opencity-data", f"{GAMES}/opencity/sound/*.wav", GPL),
    noise("micropolis-data", f"{GAMES}/micropolis/**/*.wav", "GPL-3+"),
    noise("openssn-data", f"{GAMES}/openssn/sounds/*.ogg", "GPL-2"),
    noise("extremetuxracer-data", f"{GAMES}/etr/sounds/*.wav", GPL),
    noise("searchandrescue-data", f"{GAMES}/searchandrescue/sounds/**/*.wav", "GPL"),
    noise("crrcsim-data", f"{GAMES}/crrcsim/sounds/*.wav", "GPL-2"),
    noise(
        "fillets-ng-data",
        f"{GAMES}/fillets-ng/sound/**/*.ogg",
        GPL,
        exclude=r"/(en|cs|nl)/",
    ),
    noise("fillets-ng-data", f"{GAMES}/fillets-ng/music/*.ogg", GPL, group="music"),
    noise("endless-sky-data", f"{GAMES}/endless-sky/sounds/**/*.wav", "CC-BY-SA-4.0"),
    noise(
        "trigger-rally-data",
        f"{GAMES}/trigger-rally/data.zip.d/sounds/*.*",
        GPL,
        exclude=NOT_AUDIO,
    ),
    noise("warmux-data", f"{GAMES}/warmux/sound/default/weapons/*.*", GPL),
    noise("warmux-data", f"{GAMES}/warmux/sound/default/misc/*.*", GPL),
    noise(
        "openarena-data",
        f"{GAMES}/openarena/baseoa/pak0.pk3.d/sound/**/*.*",
        GPL,
        exclude=rf"/(player/(?!footsteps)[^/]*/|feedback|voices)|{NOT_AUDIO}",
    ),
    noise("btanks-data", f"{GAMES}/btanks/data/sounds/**/*.ogg", GPL),
    noise("dustracing2d-data", f"{GAMES}/dustracing2d/**/*.ogg", "CC0-1.0"),
    noise(
        "hedgewars-data",
        f"{GAMES}/hedgewars/Data/Sounds/*.ogg",
        "GFDL-1.3",
        exclude=r"countdown|Yoohoo|chant",
    ),
    noise("freedink-data", f"{GAMES}/dink/dink/Sound/*.wav", "CC-BY-SA-3.0"),
    noise("tuxfootball", f"{GAMES}/tuxfootball/**/*.*", GPL, exclude=NOT_AUDIO),
    noise("trophy-data", f"{GAMES}/trophy/**/*.*", GPL, exclude=NOT_AUDIO),
    noise("qabcs-data", "usr/share/qabcs/abcs/all/noises/*.ogg", "GPL-3+"),
    noise(
        "scratch",
        "usr/share/scratch/Media/Sounds/**/*.wav",
        "CC-BY-SA-3.0",
        exclude=r"/(Human|Vocals|Instruments|Music Loops)/",
    ),
    # Ambiences of a minute or two, animals, and crafts, each a family of its own.
    *(
        noise(
            "0ad-data",
            f"{GAMES}/0ad/mods/public/public.zip.d/audio/{folder}/**/*.ogg",
            CC,
            group="0ad-{parent}",
            # People die in one of them.
            exclude=r"/human/death/",
            longest=120.0,
        )
        for folder in ("ambient", "actor", "attack", "resource")
    ),
    noise(
        "widelands-data",
        f"{GAMES}/widelands/data/sound/*/**/*.ogg",
        GPL,
        group="widelands-{parent}",
        exclude=r"/military/",
    ),
    *(
        noise(
            "megaglest-data",
            f"{_MEGAGLEST}/tilesets/*/sounds/{name}*.*",
            CC,
            group=f"megaglest-{name}",
            exclude=NOT_AUDIO,
            longest=120.0,
        )
        for name in ("day", "night", "rain", "wind")
    ),
    noise(
        "megaglest-data",
        f"{_MEGAGLEST}/**/sounds/*.*",
        CC,
        group="megaglest-animals",
        exclude=rf"/(?!{_ANIMALS})[^/]*$|{NOT_AUDIO}",
    ),
    noise(
        "megaglest-data",
        f"{_MEGAGLEST}/techs/**/sounds/*.*",
        CC,
        group="megaglest-work",
        exclude=rf"/(?!{_WORK})[^/]*$|{NOT_AUDIO}",
    ),
    *(
        noise(
            "nexuiz-data",
            f"{GAMES}/nexuiz/data/data.pk3.d/sound/{folder}/*.*",
            "GPL-2",
            group="nexuiz-ambient",
            exclude=rf"/radio|{NOT_AUDIO}",
        )
        for folder in ("ambient", "desertfactory", "weather")
    ),
    noise(
        "flare-game",
        f"{GAMES}/flare/mods/*/soundfx/*/*.ogg",
        "CC-BY-SA-3.0",
        group="flare-{parent}",
        exclude=r"/(npcs|enemies|powers)/|teleporter",
    ),
    noise(
        "openclonk-data",
        f"{GAMES}/openclonk/Sound.ocg",
        "CC-BY-3.0 and CC0-1.0",
        group="openclonk-{inner}",
        reader="c4group",
        exclude=r"/Skin\.ocg/|#UI\.ocg/|/Monster\.ocg/",
    ),
    # Spectators of a football match.
    noise("etw-data", f"{GAMES}/etw/crowd/*.wav", GPL, group="etw-crowd"),
)
