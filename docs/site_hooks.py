# SPDX-License-Identifier: BSD-3-Clause
"""What the site is made of besides its own pages: hooks of mkdocs.

Pages, notebooks, cards and sounds stay where readers of the repository find them and
have the same places in the site, so that links between them hold in both. The reference
is written from docstrings and from the command itself.
"""

from __future__ import annotations

import ast
import io
import json
import re
from collections.abc import Iterator
from functools import cache
from html import escape, unescape
from pathlib import Path
from typing import Any

import numpy as np
from latex2mathml.converter import convert
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.plugins import event_priority, get_plugin_logger
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

log = get_plugin_logger("reference")
ROOT = Path(__file__).resolve().parent.parent
BASE = "lava_sparse_rnn"
PACKAGE = ROOT / BASE
FORMULA = re.compile(r"\$\$(.+?)\$\$|\$([^$\n<>]+)\$", re.S)
ENTRY = "{show_root_heading: true, show_root_toc_entry: true}"
STUDY = "study_denoise"
"""The study of docs/ whose fronts the first page shows: NAME.yaml and NAME.csv."""
SAID = re.compile(r"(?:title|xlabel|ylabel|set_title\(|set_xlabel\()=?\"([^\"]+)\"")
"""What the code of a picture writes at it."""
TAKEN = (
    *("docs/*.md", "docs/*.png", "docs/*.svg", "docs/*.json"),
    *("tutorials/*.md", "tutorials/*.ipynb", "data/*.md", "data/samples/*.md"),
    *("CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md"),
)
"""Files of the repository that are in the site, at the same places."""
NOTHING = "No description has been provided for this image"
"""What nbconvert says of a picture."""
OF_ONE_FILE = (
    *("backends", "files", "markup", "pictures", "progress", "report"),
    *("spec.plots", "spec.statistics", "spec.tables", "loihi2.plots", "loihi2.tables"),
    "audio.sound.plots",
)
"""What users call that has no list of names."""


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Put the rooms into the navigation, below the page that lists them."""
    for group in config.nav or ():
        pages = group.get("Reference", ()) if isinstance(group, dict) else ()
        if pages and pages[0] == "reference/index.md":
            rooms = [{room: f"reference/{room}.md"} for room in public_rooms()]
            pages[0] = {"All": "reference/index.md"}
            pages[1:1] = [{"The command": "reference/command.md"}]
            pages.append({"Rooms": rooms})
    return config


@event_priority(100)  # before the plugin that looks for notebooks
def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the repository's files, the reference, sounds and pictures."""
    for pattern in TAKEN:
        for path in sorted(ROOT.glob(pattern)):
            name = path.relative_to(ROOT).as_posix()
            files.append(
                File(name, str(ROOT), config.site_dir, config.use_directory_urls)
            )
    for name, page in reference_pages():
        files.append(File.generated(config, name, content=page))
    for name, content in made().items():
        files.append(File.generated(config, name, content=content))
    return files


def reference_pages() -> Iterator[tuple[str, str]]:
    """Name and text of each page of the reference."""
    rooms = public_rooms()
    links = "\n".join(f"- [`{room}`]({room}.md)" for room in rooms)
    yield "reference/index.md", f"# Reference\n\n- [the command](command.md)\n{links}\n"
    yield "reference/command.md", command_page()
    for room, names in rooms.items():
        title = f"# {room}\n\n"
        if all(path == f"{BASE}.{room}.{name}" for name, path in names.items()):
            listed = f"{{members: [{', '.join(names)}]}}"
            yield (
                f"reference/{room}.md",
                f"{title}::: {BASE}.{room}\n    options: {listed}\n",
            )
            continue
        own = (
            p
            for p in names.values()
            if p[len(BASE) + 1 :].rpartition(".")[0] not in rooms
        )
        entries = (f"::: {path}\n    options: {ENTRY}\n" for path in own)
        yield f"reference/{room}.md", title + "\n".join(entries)


def public_rooms() -> dict[str, dict[str, str]]:
    """Modules that say by ``__all__`` what is public: names, and where each is.

    A module whose names are all those of the one above it has no page of its own.
    """
    found = {module: _defined(module) for module in OF_ONE_FILE}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        parts = parts[:-1] if parts[-1] == "__init__" else parts
        if not parts or path.parent == PACKAGE or parts[0] == "cli":
            continue
        room, names = ".".join(parts), _public(path)
        above = found.get(".".join(parts[:-1]), {})
        hidden = any(part.startswith("_") for part in parts)
        if names and not hidden and not set(names) <= set(above):
            found[room] = {n: f"{BASE}.{room}.{home}" for n, home in names.items()}
    return dict(sorted(found.items()))


def _defined(module: str) -> dict[str, str]:
    """Functions and classes of a module that has no list of what is public."""
    path = PACKAGE.joinpath(*module.split(".")).with_suffix(".py")
    nodes = ast.parse(path.read_text("utf-8")).body
    kinds = (ast.FunctionDef, ast.ClassDef)
    names = [node.name for node in nodes if isinstance(node, kinds)]
    return {n: f"{BASE}.{module}.{n}" for n in names if not n.startswith("_")}


def _public(path: Path) -> dict[str, str]:
    """The names in ``__all__`` of a file, and where below it each of them is."""
    assigned = {
        ast.unparse(node.targets[0]): node.value
        for node in ast.parse(path.read_text("utf-8")).body
        if isinstance(node, ast.Assign)
    }
    if "_HOMES" in assigned:  # names that are imported when they are first used
        homes = ast.literal_eval(assigned["_HOMES"])
        return {name: f"{home}.{name}" for name, home in homes.items()}
    listed = ast.walk(assigned["__all__"]) if "__all__" in assigned else ()
    return {e.value: e.value for e in listed if isinstance(e, ast.Constant)}


def command_page() -> str:
    """Every command with its arguments and options."""
    import click
    import typer.main

    from lava_sparse_rnn.cli import app

    group: Any = typer.main.get_command(app)
    lines = ["# The command", "", f"{group.help}", ""]

    def add(command: Any, name: str) -> None:
        if isinstance(command, click.Group) or hasattr(command, "commands"):
            for part, inner in command.commands.items():
                if not inner.hidden:
                    add(inner, f"{name} {part}")
            return
        lines.extend([f"## `{name}`", "", command.help or "", ""])
        lines.extend(["| option | | default |", "|---|---|---|"])
        lines.extend(_row(p) for p in command.params if p.name != "help")
        lines.append("")

    add(group, "lava-sparse-rnn")
    return "\n".join(lines)


def _row(parameter: Any) -> str:
    """One argument or option as a row of a table."""
    named = parameter.param_type_name == "option"
    shown = ", ".join(f"`{o}`" for o in parameter.opts) if named else parameter.name
    shown = shown if named else f"`{parameter.name.upper()}`"
    default = parameter.default
    plain = isinstance(default, str | int | float | Path) and default is not False
    value = f"`{default}`" if plain else ""
    text = (getattr(parameter, "help", None) or "").replace("|", "\\|")
    return f"| {shown} | {text} | {value} |"


@cache
def made() -> dict[str, bytes]:
    """Sounds and pictures, made by the shipped network of a shipped recording."""
    from lava_sparse_rnn import audio, backends, loihi2, spec, study
    from lava_sparse_rnn.audio.sound import plots as sound_plots
    from lava_sparse_rnn.loihi2 import plots as chip_plots
    from lava_sparse_rnn.spec import plots, statistics

    samples, _ = audio.wav.read(ROOT / "data/samples/noisy_01.wav")
    network = spec.load("denoiser")
    with audio.Denoiser(network, backends.default()) as denoiser:
        sounds = {"noisy": samples, "denoised": denoiser.denoise(samples)}
        tokens = denoiser.tokens(samples)
    mapping = loihi2.map_network(network, cores=64)
    errors = statistics.rounding_errors(network, tokens)
    trained = study.Study.open(ROOT / f"docs/{STUDY}.yaml", ROOT / f"docs/{STUDY}.csv")
    pictures = {
        "first": sized(sound_plots.spectrograms(sounds), 8, 2.7),
        "front": sized(trained.fronts([("integers", "macs")]), 6.8, 2.5),
        "fronts": trained.fronts(),
        "spectrograms": sound_plots.spectrograms(sounds),
        "sparsity": plots.sparsity(network),
        "activity": plots.activity(network, tokens),
        "errors": plots.errors(errors),
        "cores": chip_plots.cores(mapping, loihi2.estimate(network, tokens, mapping)),
    }
    found = {f"made/{name}.webp": webp(figure) for name, figure in pictures.items()}
    return found | {f"made/{n}.flac": flac(sound) for n, sound in sounds.items()}


def sized(figure: Any, width: float, height: float) -> Any:
    """A figure of so many inches: what is on the first page has to fit a screen."""
    figure.set_size_inches(width, height)
    return figure


def webp(figure: Any) -> bytes:
    """A small picture."""
    from PIL import Image

    whole, small = io.BytesIO(), io.BytesIO()
    figure.savefig(whole, dpi=90, format="png")
    Image.open(whole).convert("RGB").save(small, "webp", quality=80)
    return small.getvalue()


def flac(samples: np.ndarray) -> bytes:
    """A recording at 16 kHz, without loss."""
    import soundfile

    memory = io.BytesIO()
    soundfile.write(memory, np.clip(samples, -1, 1), 16000, format="FLAC")
    return memory.getvalue()


def on_post_build(config: MkDocsConfig) -> None:
    """Refuse a site in which a public name cannot be looked up, or is not described."""
    site = Path(config.site_dir)
    pages = [*site.rglob("*.html")]
    text = "".join(p.read_text("utf-8") for p in (site / "reference").glob("*.html"))
    named = {
        path
        for room, names in public_rooms().items()
        for name, path in names.items()
        if not _is_module(room, name)
    }
    missing = sorted(path for path in named if f'id="{path}"' not in text)
    if missing:
        raise PluginError(f"no entry in the reference: {', '.join(missing)}")
    if silent := undescribed(named):
        raise PluginError(f"no docstring: {', '.join(silent)}")
    log.info("%d pages; the reference has all %d public names", len(pages), len(named))


def undescribed(names: set[str]) -> list[str]:
    """Those of some public names that have no docstring."""
    import griffe

    loader = griffe.GriffeLoader(search_paths=[ROOT], allow_inspection=False)
    package: Any = loader.load(BASE)
    loader.resolve_aliases()
    found = {name: package[name[len(BASE) + 1 :]] for name in names}
    found = {n: o.final_target if o.is_alias else o for n, o in found.items()}
    return sorted(name for name, thing in found.items() if not thing.has_docstring)


def _is_module(room: str, name: str) -> bool:
    """Whether a public name is a module, which has a page or is one's own part."""
    place = PACKAGE.joinpath(*room.split("."), name)
    return place.is_dir() or place.with_suffix(".py").is_file()


def mathml(found: re.Match[str]) -> str:
    """A formula of TeX, which nbconvert leaves as it is, as MathML."""
    block = found[1] is not None
    tex = unescape(found[1] if block else found[2]).replace("{aligned}", "{align*}")
    return convert(tex, display="block" if block else "inline")


def on_page_markdown(
    markdown: str, page: Page, config: MkDocsConfig, files: Files
) -> str:
    """A link that only names a file, as it should in a repository, names its page."""

    def titled(found: re.Match[str]) -> str:
        place = (ROOT / page.file.src_uri).parent / found[2].partition("#")[0]
        if not place.is_file():
            return found[0]
        heads = re.search(r"^# (.+)$", place.read_text("utf-8"), re.M)
        return f"[{heads[1] if heads else found[1]}]({found[2]})"

    return re.sub(r"\[([\w./-]+\.md)\]\(([^)\s]+\.md(?:#[\w-]+)?)\)", titled, markdown)


def described(html: str, page: Page) -> str:
    """Pictures of a notebook with what their code writes, for who cannot see them."""
    cells = json.loads((ROOT / page.file.src_uri).read_text("utf-8"))["cells"]
    said = [
        ", ".join(dict.fromkeys(SAID.findall("".join(cell["source"]))))
        for cell in cells
        for output in cell.get("outputs", ())
        if "image/png" in output.get("data", ())
    ]
    about = iter(said)
    return re.sub(
        f'alt="{NOTHING}"',
        lambda found: f'alt="plot: {escape(next(about, "of the code above"))}"',
        html,
    )


def on_page_content(html: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Links of notebooks, which are no Markdown to mkdocs, lead to pages.

    Their formulas become MathML, so that no page needs a script of another host.
    """
    if not page.file.src_uri.endswith(".ipynb"):
        return html
    pieces = re.split(r"(<(script|style|pre|code)\b.*?</\2>)", html, flags=re.S)
    # Of each three: text, what is taken as it is, and the name of its tag.
    html = "".join(
        piece if i % 3 == 1 else FORMULA.sub(mathml, piece)
        for i, piece in enumerate(pieces)
        if i % 3 != 2
    )

    html = described(html, page)

    def to_page(found: re.Match[str]) -> str:
        target = (Path(page.file.src_uri).parent / found[1]).as_posix()
        normal = Path(ROOT / target).resolve().relative_to(ROOT).as_posix()
        file = files.get_file_from_path(normal)
        return f'href="{file.url_relative_to(page.file)}"' if file else found[0]

    return re.sub(r'href="((?:\.\./|[\w.]+/)*[\w.-]+\.(?:md|ipynb))"', to_page, html)
