# SPDX-License-Identifier: BSD-3-Clause
"""What compilers make of a denoiser in C: a plugin, and a page of the web."""

from __future__ import annotations

import os
import shlex
import shutil
import struct
import subprocess
import tempfile
from importlib import resources
from pathlib import Path

from lava_sparse_rnn.audio.frontend import FrontEnd
from lava_sparse_rnn.audio.sound.rate import SAMPLE_RATE
from lava_sparse_rnn.c_export.sound import _templates
from lava_sparse_rnn.c_export.sound._export import export_denoiser, words_of
from lava_sparse_rnn.files import replacing
from lava_sparse_rnn.fixed_point import SpecError
from lava_sparse_rnn.spec import Network

SHARED = ("-std=c99", "-O2", "-shared", "-fPIC", "-fvisibility=hidden")
# No library is there, so that no function of one may be made of a loop.
WASM = (
    *("--target=wasm32", "-std=c99", "-O2", "-ffreestanding", "-fno-builtin"),
    *("-ffp-contract=off", "-nostdlib", "-Wl,--no-entry", "-Wl,--strip-all"),
)
WASM_COMPILER = "clang"
WIDE = 48000  # Hz: with the C for this rate comes that for 16 kHz


def ladspa_plugin(
    network: Network, folder: str | Path, prefix: str, compiler: str | None = None
) -> Path:
    """Make a LADSPA plugin of a denoiser.

    Parameters
    ----------
    network : Network
        As `export_denoiser` takes it.
    folder : str or pathlib.Path
        Where the sources and ``<prefix>_ladspa.so`` go; made where it is missing.
    prefix : str
        An identifier of C; the label of the plugin, too.
    compiler : str, optional
        A command. By default the one that the environment variable CC names, or else
        ``cc``.

    Returns
    -------
    pathlib.Path
        The plugin.

    Raises
    ------
    AudioError, SpecError
        As `export_denoiser`, and when there is no compiler, or it fails.
    """
    made = export_denoiser(network, prefix, sample_rate=WIDE)
    command = _command(compiler or os.environ.get("CC") or "cc")
    folder = Path(folder)
    made.write(folder)
    source = f"{prefix}_ladspa.c"
    _write(network, prefix, "sound_ladspa.c", folder / source)
    names = [source, *made.sources]
    return _compile([*command, *SHARED, *names], folder, folder / f"{prefix}_ladspa.so")


def ladspa_bytes(network: Network) -> int:
    """Bytes of RAM that a plugin allocates for each stream, at either rate.

    That is `plugin` in its C, as this machine lays it out: the state of the denoiser at
    48 kHz, of which the lower rate uses a part, a hop before and one after it, and what
    a host connects.

    Parameters
    ----------
    network : Network
        As `export_denoiser` takes it.

    Raises
    ------
    AudioError, SpecError
        As `export_denoiser`.
    """
    state = export_denoiser(network, sample_rate=WIDE).state_bytes
    hop = FrontEnd.of(network).hop_length * WIDE // SAMPLE_RATE
    # Its members after the state; the last 0P ends it as an array of them would.
    return struct.calcsize(f"{state}s0P4P{2 * hop}f2i0P")


def browser_page(
    network: Network, folder: str | Path, compiler: str | None = None
) -> list[Path]:
    """Write a page that denoises in the browser, static files alone.

    Parameters
    ----------
    network : Network
        As `export_denoiser` takes it.
    folder : str or pathlib.Path
        Made where it is missing. ``index.html`` is the page; ``denoiser.js``,
        ``worklet.js`` and ``denoiser.wasm`` serve other pages, too.
    compiler : str, optional
        A clang that has ``wasm-ld`` beside it; by default ``clang``.

    Returns
    -------
    list of pathlib.Path
        What was written.

    Raises
    ------
    AudioError, SpecError
        As `export_denoiser`, and when there is no compiler or linker, or it fails.
    """
    prefix, folder = "denoiser", Path(folder)
    made = export_denoiser(network, prefix, sample_rate=WIDE)
    command = _command(compiler or WASM_COMPILER)
    if compiler is None and not shutil.which("wasm-ld"):
        raise SpecError("there is no program 'wasm-ld', which links for browsers (lld)")
    folder.mkdir(exist_ok=True)
    pages = resources.files("lava_sparse_rnn.c_export.sound") / "page"
    written = []
    for page in sorted(pages.iterdir(), key=lambda path: path.name):
        written.append(folder / page.name)
        with replacing(written[-1]) as temporary:
            temporary.write_bytes(page.read_bytes())
    with tempfile.TemporaryDirectory() as name:
        made.write(name)
        _write(network, prefix, "sound_wasm.c", Path(name) / "wasm.c")
        words = [*command, *WASM, "wasm.c", *made.sources]
        written.append(_compile(words, Path(name), folder / f"{prefix}.wasm"))
    return written


def _command(words: str) -> list[str]:
    """A compiler's words, when there is such a program."""
    command = shlex.split(words)
    if not command or not shutil.which(command[0]):
        raise SpecError(f"cc {words!r}: there is no such program to compile with")
    return command


def _write(network: Network, prefix: str, name: str, path: Path) -> None:
    text = _templates.template(name).substitute(words_of(network, prefix))
    with replacing(path) as temporary:
        temporary.write_text(text, "utf-8")


def _compile(command: list[str], folder: Path, target: Path) -> Path:
    """Compile sources of a folder; the target is there when it is complete."""
    with replacing(target) as temporary:
        words = [*command, "-o", str(temporary.absolute())]
        done = subprocess.run(words, cwd=folder, capture_output=True, text=True)
        if done.returncode != 0:
            reason = (done.stderr.strip().splitlines() or ["no message"])[0]
            raise SpecError(f"cc {command[0]!r}: failed ({reason})")
    return target
