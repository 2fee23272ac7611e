# SPDX-License-Identifier: BSD-3-Clause
"""``lava-sparse-rnn live``: denoise what comes, while it comes."""

from __future__ import annotations

import contextlib
import math
import os
import sys
from io import FileIO
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lava_sparse_rnn.cli._backend import (
    FastestOption,
    RateOption,
    RuntimeOption,
    StrengthOption,
    check_runtime,
    fastest,
    lava_runtime,
    open_denoiser,
)
from lava_sparse_rnn.cli._console import console
from lava_sparse_rnn.cli._files import check_sound
from lava_sparse_rnn.cli._meters import Screen, summary
from lava_sparse_rnn.cli._options import DEFAULT_NETWORK, NetworkOption
from lava_sparse_rnn.cli._signals import Stopped
from lava_sparse_rnn.files import as_path, kind_of, named, open_pipe

if TYPE_CHECKING:
    from lava_sparse_rnn.audio.live.session import Live, Sink, Source

PIPE = "-"
STREAMS = ("a pipe", "a device", "a socket")
STANDARD_INPUT = Path("/dev/stdin")  # a file, where the shell made it one
LONGEST_MS = 1000.0  # of a block and of a buffer


def live(
    inp: Annotated[
        str | None,
        typer.Option(
            "--input",
            "-i",
            help="A recording, a pipe, or - for standard input, which carry raw sound "
            "(16-bit, little endian, mono, of --rate) or a recording; the microphone "
            "if not given.",
        ),
    ] = None,
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            help="A recording (.wav, .flac, .ogg), or - for raw sound on standard "
            "output; the loudspeaker if not given.",
        ),
    ] = None,
    network: NetworkOption = DEFAULT_NETWORK,
    real_time: Annotated[
        bool, typer.Option(help="Read a recording as slowly as it was spoken.")
    ] = False,
    input_device: Annotated[
        str | None, typer.Option(help="Number or part of the name of a microphone.")
    ] = None,
    output_device: Annotated[
        str | None, typer.Option(help="Number or part of the name of a loudspeaker.")
    ] = None,
    list_devices: Annotated[
        bool, typer.Option("--list-devices", help="List the devices, and end.")
    ] = False,
    block: Annotated[
        float, typer.Option(help="Milliseconds of sound that are computed at once.")
    ] = 8.0,
    buffer: Annotated[
        float, typer.Option(help="Milliseconds that may wait before sound is lost.")
    ] = 64.0,
    rate: RateOption = 16_000,
    strength: StrengthOption = None,
    backend: FastestOption = None,
    runtime: RuntimeOption = None,
) -> None:
    """Denoise live, from the microphone, a file or a pipe; Ctrl-C ends."""
    from lava_sparse_rnn.audio.live.session import Live

    if list_devices:
        _list_devices()
        return
    for name, value in (("--block", block), ("--buffer", buffer)):
        if not (math.isfinite(value) and 1.0 <= value <= LONGEST_MS):
            raise ValueError(
                f"{name}: is {value:g} ms, must be between 1 and {LONGEST_MS:g}"
            )
    _check_ends(inp, input_device, output, output_device, real_time)
    _check_output(output, inp, network)
    check_runtime(runtime, backend)
    times = (block / 1000, buffer / 1000, rate)
    runs = fastest(backend)
    with (
        lava_runtime(runtime),
        open_denoiser(network, runs, strength, rate) as denoiser,
    ):
        source = _source(inp, input_device, real_time, *times)
        sink = _sink(output, output_device, source, *times)
        _run(Live(denoiser, source, sink), output)


def _run(session: Live, output: str | None) -> None:
    """Show a session until it ends, then tell what happened."""
    error: BaseException | None = None
    try:
        # Where nothing can be shown any more, sound still has to go out.
        with contextlib.suppress(OSError), Screen() as screen:
            error = _watch(session, screen)
    finally:
        session.give_up()
    notes = console(stderr=True)
    with contextlib.suppress(OSError):
        if isinstance(error, BrokenPipeError):
            notes.print("standard output: nobody reads any more")
            error = None
        for line in summary(session.status()):
            notes.print(line)
        for note in getattr(session.source, "notes", list)():
            notes.print(f"input: {note}")
        if clipped := getattr(session.sink, "clipped", 0):
            notes.print(f"output: {clipped} samples clipped to full scale")
        if output not in (None, PIPE) and session.kept:
            notes.print(f"denoised: {output}")
    if error is not None:
        raise error


def _watch(session: Live, screen: Screen) -> BaseException | None:
    """Wait for the end and return what ended it, if that is more than Ctrl-C.

    Ctrl-C or a signal lets what was heard out first; a second one does not wait for an
    output that takes nothing, a third one for nothing at all.
    """
    signals: list[BaseException] = []
    session.start()
    while True:
        try:
            while not session.join(screen.seconds):
                with contextlib.suppress(OSError):
                    screen.show(session.status())
            break
        except (KeyboardInterrupt, Stopped) as signal:
            signals.append(signal)
            (session.stop, session.give_up, session.give_up)[len(signals) - 1]()
            if len(signals) == 3:
                break
        except Exception as error:  # of the session: join raises it
            return error
    if len(signals) > 1:
        return KeyboardInterrupt()
    return next((s for s in signals if isinstance(s, Stopped)), None)


def _check_ends(
    inp: str | None,
    input_device: str | None,
    output: str | None,
    output_device: str | None,
    real_time: bool,
) -> None:
    """Refuse what cannot be meant, before anything is opened."""
    for file, device, name in (
        (inp, input_device, "input"),
        (output, output_device, "output"),
    ):
        if file is not None and device is not None:
            raise ValueError(
                f"--{name} {file} and --{name}-device {device}: only one of them"
            )
    if real_time and inp in (None, PIPE):
        raise ValueError("--real-time: is for a recording, --input names one")
    for end, name, stream in (
        (inp, "--input -: standard input", sys.stdin),
        (output, "--output -: standard output", sys.stdout),
    ):
        if end == PIPE and stream is None:
            raise ValueError(f"{name} is closed")
    if inp == PIPE and sys.stdin.isatty():
        raise ValueError("--input -: standard input is a terminal, not a pipe")
    if output == PIPE and sys.stdout.isatty():
        raise ValueError("--output -: standard output is a terminal, not a pipe")


def _check_output(output: str | None, inp: str | None, network: Path) -> None:
    """Refuse a recording that cannot be written, or is what is read."""
    if output in (None, PIPE):
        return
    heard = STANDARD_INPUT if inp == PIPE else inp and Path(inp)
    check_sound(as_path(output, "--output"), [heard or None, network])


def _source(
    inp: str | None,
    device: str | None,
    real_time: bool,
    block: float,
    buffer: float,
    rate: int,
) -> Source:
    from lava_sparse_rnn.audio.live import devices, files, pipes

    samples = round(block * rate)
    if inp is None:
        sd = devices.load_sounddevice()
        return devices.Microphone(sd, _device(device), block, buffer, rate)
    if inp == PIPE or (os.path.exists(inp) and kind_of(inp) in STREAMS):
        name = "input" if inp == PIPE else inp
        source = pipes.PipeSource(_stream(inp), samples, rate, name)
    else:
        source = files.WavSource(inp, samples, rate)
        for note in source.info.notes():
            console(stderr=True).print(f"{inp}: {note}")
    return files.Paced(source, rate) if real_time else source


def _stream(inp: str) -> FileIO:
    """What is heard while it comes."""
    if inp == PIPE:
        return FileIO(os.dup(sys.stdin.fileno()))
    with named(inp):
        file = FileIO(open_pipe(inp))
    if file.isatty():
        raise ValueError(f"--input {inp}: is a terminal, not a pipe")
    return file


def _sink(
    output: str | None,
    device: str | None,
    source: Source,
    block: float,
    buffer: float,
    rate: int,
) -> Sink:
    from lava_sparse_rnn.audio.live import devices, files

    if output is None:
        sd = devices.load_sounddevice()
        hold = getattr(source, "hold", 0.0)
        return devices.Loudspeaker(sd, _device(device), block, buffer, hold, rate)
    if output == PIPE:
        return files.PcmSink(sys.stdout)
    return files.WavSink(output, rate)


def _device(name: str | None) -> Any:
    """Devices have numbers and names."""
    return int(name) if name is not None and name.isdecimal() else name


def _list_devices() -> None:
    from lava_sparse_rnn.audio.live.devices import load_sounddevice

    devices = str(load_sounddevice().query_devices())
    console().print(devices or "no devices")
