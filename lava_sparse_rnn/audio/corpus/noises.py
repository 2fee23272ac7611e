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


def _families(
    package: str, pattern: str, licence: str, names: dict[str, str]
) -> tuple[Source, ...]:
    """A row for each family of a package: its name, and the names of its files."""
    return tuple(
        noise(
            package,
            pattern,
            licence,
            group=f"{package.partition('-')[0]}-{family}",
            exclude=rf"/(?!(?:{files})\.)[^/]*$",
        )
        for family, files in names.items()
    )


_BY_NAME: tuple[Source, ...] = (
    *_families(
        "flightgear-data-base",
        f"{GAMES}/flightgear/**/Sounds/*.wav",
        GPL,
        {
            "propellers": r"R-1535Slow|(engine-)?prop|p51d_rpm1|wasp|turboprop1|"
            "engine(-idle)?",
            "jets": r"turbojet_fan|turbine_\w+|jet|whine|fan|exhaust_\w+",
            "helicopters": r"rotor(-2blade|_stall)?|helicopter(-skid)?|blade_vortex",
            "starters": r"starter_\w+|p51d_start\w+|cranking|engstart|"
            "engine-(start|crank|cut)",
            "thunder": r"thunder\d?",
            "wind": r"wind(1|-8khz)?",
            "rain": "rain(-windshield)?",
            "water": r"wave|water-[\w-]+",
            "tyres": r"squeal2?|tires-[\w-]+|rumble(-rough)?",
            "damage": r"rattleroll|damage(-heavy)?|scratch|crash|gatling",
            "warnings": "beep|stall2?|gear-hrn|overspeed2?|avionics-400Hz|vario2?",
            "cabin": r"gyro|flaps(-motor)?|gear|trim|door[\w-]*|window-\w+|glove_\w+|"
            r"gps_to_\w+|keys2?|checklist\d|lever|scroll|primer-\w+|repair",
            "others": "coughing|radionoise",
        },
    ),
    *_families(
        "torcs-data",
        f"{GAMES}/torcs/data/sound/*.wav",
        GPL,
        {
            "engines": r"(?!crash|skid|out_of|road|axle|turbo1|gear_|boom|bottom|"
            r"backfire|locked)[\w-]+",
            "crashes": r"crash\d|boom|bottom_crash|backfire(_loop)?",
            "roads": r"road-ride|out_of_road(-3)?|axle|turbo1|gear_change1|skid\w*|"
            "locked",
        },
    ),
    *_families(
        "plee-the-bear-data",
        f"{GAMES}/plee-the-bear/sound/**/*.*",
        "CC-BY-SA-3.0",
        {
            "rain": "rain",
            "blows": r"earthquake|splash|crack|hit|slap|throw|hit-chest-\d",
            "animals": r"croak-\w+|flying|attack|peck|snore|grr",
        },
    ),
    *_families(
        "csoundqt-examples",
        "usr/share/csoundqt/Examples/SourceMaterials/*.*",
        "LGPL-2.1+",
        {
            "seashore": "Seashore",
            "dishes": "dish|Mug|Bounce|Wood|bell",
            "places": "Songpan|Stairwell",
            "music": "ClassGuit|ClassicalGuitar|flute|violins|BratscheMono|808loopMono|"
            "marmstk1|mandpluk",
        },
    ),
    *_families(
        "caveexpress-data",
        f"{GAMES}/caveexpress/sounds/*.ogg",
        "CC-BY-SA-4.0",
        {
            "mammoths": r"npc-mammut-[\w-]+|npc-blowing-[\w-]+",
            "cave": r"tile-[\w-]+|water-\w+|npc-cave-(water-rescue\d|swimming|drown)|"
            r"crate-hit\d|stone-hit|cave\d|npc-flying-flying|player-flying",
        },
    ),
    # Farm animals, and sounds to find pairs of.
    *(
        noise(
            "gcompris-qt-data",
            f"usr/share/gcompris-qt/rcc/{name}.rcc",
            "GPL-3+",
            group=f"gcompris-{name}",
            reader="ogg",
        )
        for name in ("explore_farm_animals", "memory-sound")
    ),
    noise(
        "linphone-common",
        "usr/share/sounds/linphone/**/*phone-mono.wav",
        "GPL-3+",
        group="linphone-bells",
    ),
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
    *_BY_NAME,
)
