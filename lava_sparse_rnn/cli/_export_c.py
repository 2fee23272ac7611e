# SPDX-License-Identifier: BSD-3-Clause
"""``lava-sparse-rnn export-c``: a network as one C99 file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lava_sparse_rnn.cli._backend import check_denoiser
from lava_sparse_rnn.cli._console import console
from lava_sparse_rnn.cli._options import NetworkFile, path_option, refuse_idle
from lava_sparse_rnn.cli._summary import summary

if TYPE_CHECKING:
    from lava_sparse_rnn.c_export import Export, Sizes
    from lava_sparse_rnn.spec import Network

RATES = (16000, 48000)  # Hz of front ends in C


def export_c(
    context: typer.Context,
    network: NetworkFile,
    output: Annotated[
        Path, path_option("-o", "--output", help="Folder for the C files.")
    ],
    prefix: Annotated[
        str | None,
        typer.Option(help="What every name begins with; by default the file's name."),
    ] = None,
    main: Annotated[
        bool, typer.Option("--main", help="Also write an example program.")
    ] = False,
    front_end: Annotated[
        bool,
        typer.Option(
            "--front-end", help="A denoiser whole: samples in, samples out, in floats."
        ),
    ] = False,
    fixed_point: Annotated[
        bool,
        typer.Option("--fixed-point", help="That front end in integers, too."),
    ] = False,
    rate: Annotated[
        int,
        typer.Option(help="With --front-end, Hz of the samples: 16000 or 48000."),
    ] = 16000,
    ladspa: Annotated[
        bool,
        typer.Option("--ladspa", help="Make a LADSPA plugin of it, with the compiler."),
    ] = False,
    cc: Annotated[
        str | None,
        typer.Option(help="Compiler to use; by default CC or cc."),
    ] = None,
) -> None:
    """Write a network as self-contained C99: one source, one header, no library.

    The same integers as every other way to run it, without allocation and without
    floating point, for microcontrollers and for any other C program. With --front-end
    there are two files more, which make a denoiser of sound of it, in floats or with
    --fixed-point in integers alone, and --ladspa compiles these to a plugin for other
    programs.
    """
    from lava_sparse_rnn import c_export, spec

    if not front_end:
        why = "is of the front end, give --front-end, too"
        refuse_idle(context, why, "fixed_point", "rate")
    _check(output, fixed_point, rate, ladspa)
    screen = console()
    if prefix is None:
        prefix = c_export.identifier_of(network.stem)
    loaded = spec.load(network)
    if front_end or ladspa:
        asked = "--front-end" if front_end else "--ladspa"
        check_denoiser(loaded, f"{network}:", f"leave {asked} out, or export denoiser")
        made = c_export.export_denoiser(loaded, prefix, fixed_point, rate)
    else:
        made = c_export.export(loaded, prefix)
    sizes = c_export.measure(made, cc)
    written = made.write(output, main)
    what, verb = f"C99, {_memory(made, sizes)}", "compile"
    names = (*made.sources, made.main) if main else made.sources
    sources = " ".join(str(output / name) for name in names)
    how = f"cc -std=c99 -O2 {sources} -o {prefix}"
    if not main:
        how = f"cc -std=c99 -O2 -c {sources}; {prefix}.h says what to call"
    if ladspa:
        plugin = c_export.ladspa_plugin(loaded, output, prefix, cc)
        more = ("wide.[ch]", "ladspa.c", "ladspa.so")
        written += [p for n in more for p in sorted(output.glob(f"{prefix}_{n}"))]
        written = list(dict.fromkeys(written))  # a program at 48 kHz has some of these
        ram = f"RAM {c_export.ladspa_bytes(loaded):,} bytes for each stream"
        what += f", and a LADSPA plugin, {ram}, {_delays(loaded)}"
        verb = "try"
        how = f"applyplugin NOISY.wav OUT.wav {plugin.absolute()} {prefix} 60"
    held = [path.stat().st_size for path in written]
    screen.print(summary(output, held, what, how, verb))
    for path, size in zip(written, held, strict=True):
        screen.print(f"  {path}: {size:,} bytes")


def _memory(made: Export, sizes: Sizes | None) -> str:
    """What a program needs, measured or computed."""
    if sizes is None:
        return (
            f"constants {made.constant_bytes:,} bytes, RAM {made.state_bytes:,} bytes "
            "(computed; code is not known, there is no C compiler to measure it)"
        )
    return (
        f"code {sizes.code:,} bytes, constants {sizes.constants:,} bytes, RAM "
        f"{sizes.ram:,} bytes for each stream and the stack (measured: "
        f"{sizes.compiler})"
    )


def _check(output: Path, fixed_point: bool, rate: int, ladspa: bool) -> None:
    """Refuse what cannot be written, and options that do not go together."""
    if output.exists() and not output.is_dir():
        raise ValueError(f"{output}: is a file, the name of a folder is needed")
    if not output.absolute().parent.is_dir():
        raise ValueError(
            f"{output}: cannot be made, there is no folder {output.parent}"
        )
    if rate not in RATES:
        known = ", ".join(map(str, RATES))
        raise ValueError(f"--rate: is {rate} Hz, must be one of: {known}")
    if fixed_point and rate != RATES[0]:
        raise ValueError(f"--fixed-point: the C for {rate} Hz counts in floats")
    if fixed_point and ladspa:
        raise ValueError("--fixed-point: a LADSPA plugin hears floats")


def _delays(network: Network) -> str:
    """How late a denoiser's plugin is."""
    from lava_sparse_rnn.audio.frontend import FrontEnd
    from lava_sparse_rnn.audio.rates import converter

    front = FrontEnd.of(network)
    late = 1000 * front.delay / front.sample_rate
    wide = converter(48000, front.stft(), front.delay).delay / 48
    return f"{late:g} ms late, at 48 kHz {wide:g}"
