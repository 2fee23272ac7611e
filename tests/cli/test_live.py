# SPDX-License-Identifier: BSD-3-Clause
"""``live``, and which backend runs when the user names none."""

import multiprocessing
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile
from rich.console import Console

from lava_sparse_rnn import engine, spec
from lava_sparse_rnn.audio import Denoiser
from lava_sparse_rnn.audio.live.files import pcm16
from lava_sparse_rnn.audio.live.session import Gaps, Level, Status
from lava_sparse_rnn.audio.sound import wav
from lava_sparse_rnn.backends import BACKENDS
from lava_sparse_rnn.cli import _live, _meters


@pytest.fixture
def noisy(tmp_path):
    """0.2 s of noise."""
    noise = np.random.default_rng(0).normal(0, 0.002, 3200)
    soundfile.write(tmp_path / "noisy.wav", noise, 16000)
    return tmp_path / "noisy.wav"


@pytest.fixture
def command(command):
    """Run the command; returns its exit code, output without line ends, errors."""

    def call(*arguments):
        code, out, err = command(*arguments)
        return code, " ".join(out.split()), err

    return call


def offline(net, samples):
    return pcm16(Denoiser(spec.load(net)).denoise(samples))[0]


def test_a_file_becomes_what_denoise_gives(command, net, noisy, tmp_path):
    code, _, _ = command("denoise", noisy, "-o", tmp_path / "a.wav", "-n", net)
    assert code == 0
    options = ("-i", noisy, "-o", tmp_path / "b.wav", "-n", net, "--block", 5)
    code, out, err = command("live", *options, "--real-time")
    assert (code, out) == (0, "")
    assert (tmp_path / "a.wav").read_bytes() == (tmp_path / "b.wav").read_bytes()
    assert "0.20 s of sound; load" in err
    assert "0 overruns, 0 underruns" in err


@pytest.mark.parametrize("name", ["denoise", "live", "evaluate"])
def test_every_command_of_sound_knows_the_runtimes(command, net, noisy, tmp_path, name):
    pytest.importorskip("lava")
    options = {
        "denoise": ("-n", net, noisy, "-o", tmp_path / "o.wav"),
        "live": ("-n", net, "-i", noisy, "-o", tmp_path / "o.wav"),
        "evaluate": (net, "--data", tmp_path),
    }[name]
    for kind in ("noisy", "clean"):
        (tmp_path / kind).mkdir()
        wav.write(tmp_path / kind / f"{kind}_fileid_0.wav", np.full(800, 0.1))
    code, _, err = command(name, *options, "--runtime", "threads", "--backend=lava")
    assert code == 1
    assert err == "error: runtime is 'threads', must be one of: inline, processes\n"


@pytest.mark.slow
def test_live_in_lavas_own_runtime(command, net, noisy, tmp_path):
    pytest.importorskip("lava")
    options = ("-n", net, "-i", noisy, "-o", tmp_path / "o.wav")
    code, _, _ = command("live", *options, "--backend", "lava", "--runtime=processes")
    assert code == 0
    assert pcm16(wav.read(tmp_path / "o.wav")[0])[0] == offline(net, wav.read(noisy)[0])


def test_raw_sound_goes_through_pipes(command, net, noisy, monkeypatch):
    samples, _ = wav.read(noisy)
    (there, to_there), (back, to_back) = os.pipe(), os.pipe()
    os.write(to_there, pcm16(samples)[0])
    os.close(to_there)
    stdin, stdout = (
        SimpleNamespace(fileno=lambda fd=fd: fd, isatty=lambda: False)
        for fd in (there, to_back)
    )
    with monkeypatch.context() as patch:
        patch.setattr(_live, "sys", SimpleNamespace(stdin=stdin, stdout=stdout))
        code, _, err = command("live", "--input", "-", "--output", "-", "-n", net)
    assert code == 0
    assert os.read(back, 10**6) == offline(net, samples)
    assert "denoised: " not in err
    for fd in (there, back, to_back):
        os.close(fd)


@pytest.fixture
def running(net):
    """Start the command as a process that hears raw sound."""
    started = []

    def start(*arguments, **options):
        code = "from lava_sparse_rnn.cli import main; main()"
        source = [] if "-i" in arguments else ["-i", "-"]
        process = subprocess.Popen(
            [sys.executable, "-c", code, "live", "-n", net, *source, *arguments],
            **{name: subprocess.PIPE for name in ("stdin", "stdout", "stderr")},
            **options,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def until_written(folder, size):
    """Wait until so many bytes are in the hidden file of a recording."""
    for _ in range(3000):
        if any(path.stat().st_size >= size for path in folder.glob(".*")):
            return
        time.sleep(0.01)
    raise AssertionError("nothing was written")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "status"),
    [
        (signal.SIGINT, 0),
        (signal.SIGTERM, 143),
        (signal.SIGHUP, 129),
        (signal.SIGQUIT, 131),
    ],
)
def test_a_signal_keeps_what_was_heard(running, net, tmp_path, number, status):
    raw = pcm16(np.random.default_rng(0).normal(0, 0.002, 3200))[0]
    exact = np.frombuffer(raw, "<i2").astype(np.float32) / 32768
    process = running("-o", tmp_path / "o.wav")
    process.stdin.write(raw)
    process.stdin.flush()
    until_written(tmp_path, 44 + len(raw) - 2 * 64)
    process.send_signal(number)
    assert process.wait(20) == status
    says = process.stderr.read().decode()
    assert f"denoised: {tmp_path / 'o.wav'}" in says
    assert "leaked" not in says
    assert "Traceback" not in says
    assert [path.name for path in tmp_path.iterdir()] == ["o.wav"]
    assert (tmp_path / "o.wav").read_bytes()[44:] == offline(net, exact)


@pytest.fixture
def fifo(tmp_path):
    """A named pipe in a folder of its own."""
    (tmp_path / "pipes").mkdir()
    os.mkfifo(tmp_path / "pipes" / "in.wav")
    return tmp_path / "pipes" / "in.wav"


@pytest.mark.slow
@pytest.mark.parametrize("header", [True, False])
@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 0), (signal.SIGTERM, 143)]
)
def test_a_signal_keeps_what_came_out_of_a_named_pipe(
    running, net, noisy, fifo, tmp_path, header, number, status
):
    out = tmp_path / "out" / "o.wav"
    out.parent.mkdir()
    sound = bytearray(noisy.read_bytes())
    sound[40:44] = (10**9).to_bytes(4, "little")  # more would come
    process = running("-i", fifo, "-o", out)
    with fifo.open("wb", buffering=0) as pipe:
        pipe.write(sound[0 if header else 44 :])
        until_written(out.parent, 44 + 2 * (3200 - 64))
        process.send_signal(number)
        assert process.wait(20) == status
    says = process.stderr.read().decode()
    assert f"denoised: {out}" in says
    assert "Traceback" not in says
    assert [path.name for path in out.parent.iterdir()] == ["o.wav"]
    assert out.read_bytes()[44:] == offline(net, wav.read(noisy)[0])


def written_into(pipe, process, seconds=30):
    """All that a process writes into a named pipe until it ends; it may be nothing."""
    parts, end = [], time.monotonic() + seconds
    there = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        while time.monotonic() < end:
            ended = process.poll() is not None
            try:
                parts.append(os.read(there, 1 << 16))
            except BlockingIOError:  # a writer is there and has not written yet
                parts.append(b"")
            if ended and not parts[-1]:
                return b"".join(parts)
            time.sleep(0.002)
    finally:
        os.close(there)
    raise AssertionError(f"{seconds} s later it goes on")


@pytest.mark.slow
@pytest.mark.parametrize("end", ["-", "FIFO", "FILE"])
@pytest.mark.parametrize("number", [signal.SIGTERM, None])
def test_half_a_sample_out_of_a_named_pipe(
    running, net, noisy, fifo, tmp_path, end, number
):
    """An error where the pipe ends there; where a signal ends it, no matter."""
    there = fifo.with_name("out.wav")
    os.mkfifo(there)
    out = {"-": "-", "FIFO": there, "FILE": tmp_path / "o.wav"}[end]
    process = running("-i", fifo, "-o", out)
    expected = offline(net, wav.read(noisy)[0])
    with fifo.open("wb", buffering=0) as pipe:
        pipe.write(noisy.read_bytes()[44:] + b"x")
        if number:
            time.sleep(0.5)  # whatever was computed until then
            process.send_signal(number)
            if end == "FIFO":
                written = written_into(there, process)
            assert process.wait(20) == 128 + number
    if end == "FIFO" and not number:
        written = written_into(there, process)
    text, says = process.communicate()
    if end == "FILE":
        written = out.read_bytes()
    assert (text if end == "-" else written[44:]) == expected
    assert process.returncode == (128 + number if number else 1)
    ends = f"error: {fifo}: ends within a sample; is it s16le?" in says.decode()
    assert ends == (number is None)


@pytest.mark.slow
def test_a_device_is_heard_as_a_pipe_is(command, net, tmp_path):
    code, _, err = command("live", "-i", "/dev/null", "-o", tmp_path / "o.wav")
    assert (code, err.count("0.00 s of sound")) == (0, 1)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["o.wav", "o.flac"])
def test_a_full_disk_keeps_what_had_room(running, net, tmp_path, name):
    raw = pcm16(np.random.default_rng(0).normal(0, 0.002, 32000))[0]
    exact = np.frombuffer(raw, "<i2").astype(np.float32) / 32768

    def limit():  # of a file's size, in place of a disk that is full
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))

    process = running("-o", name, preexec_fn=limit, cwd=tmp_path)
    says = process.communicate(raw, 20)[1].decode()
    assert process.returncode == 1
    assert f"error: {name}: cannot be written (File too large)" in says
    assert [path.name for path in tmp_path.iterdir()] == [name]
    samples, _ = wav.read(tmp_path / name)
    assert len(samples) > 8000
    assert pcm16(samples)[0] == offline(net, exact)[: 2 * len(samples)]


@pytest.mark.parametrize("old", [True, False])
def test_denoised_is_said_only_of_what_is_whole(command, net, noisy, tmp_path, old):
    """Nothing of it fits, or there is nothing but what was there before."""
    code, _, err = command("live", "-i", noisy, "-o", "/dev/full", "-n", net)
    assert code == 1
    assert "error: /dev/full: cannot be written (No space left on device)" in err
    assert "denoised: " not in err
    os.mkfifo(tmp_path / "in")
    with_old = tmp_path / "old.wav"
    if old:
        with_old.write_bytes(b"old")
    feed = threading.Thread(target=(tmp_path / "in").write_bytes, args=(b"x",))
    feed.start()
    code, _, err = command("live", "-i", tmp_path / "in", "-o", with_old, "-n", net)
    feed.join()
    assert code == 1
    assert "denoised: " not in err
    assert with_old.exists() == old


class FakeSound:
    """A microphone that hears ``heard`` as soon as it is started."""

    class PortAudioError(Exception):
        pass

    latency = 0.0
    active = True

    def __init__(self, heard):
        self.heard = heard

    def query_devices(self, device=None, kind=None):
        self.asked = device
        return {"default_samplerate": 16000.0} if kind else "0 a microphone"

    def check_input_settings(self, *args, **kwargs):
        pass

    def InputStream(self, callback, **options):  # noqa: N802
        self.callback = callback
        return self

    def start(self):
        self.callback(self.heard[:, None], len(self.heard), None, None)

    def stop(self):
        pass

    close = stop


def test_a_microphone_records_until_interrupted(
    command, net, noisy, tmp_path, monkeypatch
):
    samples, _ = wav.read(noisy)
    sd = FakeSound(samples[:1200])  # more than the buffer holds
    monkeypatch.setitem(sys.modules, "sounddevice", sd)
    show = _meters.Screen.show

    def interrupted(self, status):
        show(self, status)
        if status.seconds > 0.04 and not hasattr(sd, "interrupted"):
            sd.interrupted = True
            raise KeyboardInterrupt

    monkeypatch.setattr(_meters.Screen, "show", interrupted)
    out = tmp_path / "o.wav"
    code, _, err = command(
        *("live", "-o", out, "-n", net, "--input-device", "2", "--buffer", 50)
    )
    assert code == 0
    assert sd.asked == 2
    written, _ = soundfile.read(out, dtype="int16")
    assert written.tobytes() == offline(net, samples[:800])
    # Told while running and at the end.
    assert err.count("1 overruns (25 ms lost)") == 2
    assert f"denoised: {out}" in err


def test_devices_are_listed(command, monkeypatch):
    monkeypatch.setitem(sys.modules, "sounddevice", FakeSound(None))
    assert command("live", "--list-devices")[:2] == (0, "0 a microphone")


def test_without_sounddevice_the_way_out_is_named(command, net, monkeypatch):
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    code, _, err = command("live", "-n", net)
    assert code == 1
    assert err.startswith("error: microphone and loudspeaker need the extra 'live'")
    assert "--input and --output take WAV files, or - for" in err


@pytest.mark.slow
@pytest.mark.parametrize("backend", sorted(BACKENDS))
def test_every_backend_gives_the_samples_of_denoise(
    command, net, noisy, tmp_path, backend
):
    if backend == "engine" and engine.EXTENSION is None:
        pytest.skip("the engine is not built")
    out = tmp_path / "o.wav"
    code, _, err = command(
        *("live", "-i", noisy, "-o", out, "-n", net, "--backend", backend)
    )
    assert code == 0, err
    command("denoise", noisy, "-o", tmp_path / "d.wav", "-n", net)
    assert out.read_bytes() == (tmp_path / "d.wav").read_bytes()
    assert multiprocessing.active_children() == []


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--block", "0"], "--block: is 0 ms, must be between 1 and 1000"),
        (["--buffer", "nan"], "--buffer: is nan ms"),
        (["-i", "NOISY", "--input-device", "1"], "--input-device 1: only one of them"),
        (["-o", "y.wav", "--real-time"], "--real-time: is for a recording"),
        (["-i", "NOISY", "-o", "NOISY"], "is also what is read"),
        (["-i", "NOISY", "-o", "absent/y.wav"], "there is no folder absent"),
        (["-i", "absent.wav", "-o", "OUT"], "absent.wav: not found"),
        (["-i", "NOISY", "-o", "y.mp3"], "must be one of: .wav, .flac, .ogg"),
        (["-i", "NOISY", "-o", "OUT", "-n", "no.net"], "no.net"),
    ],
)
def test_bad_options_are_one_clear_error(
    command, net, noisy, tmp_path, arguments, says
):
    paths = {"NOISY": noisy, "OUT": tmp_path / "o.wav"}
    before = sorted(tmp_path.iterdir())
    arguments = [paths.get(a, a) for a in arguments]
    if "-n" not in arguments:
        arguments += ["-n", net]
    code, _, err = command("live", *arguments)
    assert code == 1
    assert err.startswith("error:")
    assert says in err
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize(("end", "name"), [("-i", "stdin"), ("-o", "stdout")])
def test_closed_streams_are_one_clear_error(
    command, net, noisy, monkeypatch, end, name
):
    other = "-o" if end == "-i" else "-i"
    with monkeypatch.context() as patch:
        patch.setattr(sys, name, None)
        code, _, err = command("live", "-n", net, end, "-", other, noisy)
    assert code == 1
    assert err.startswith("error: --")
    assert "is closed" in err


def test_the_meters_show_what_is_known():
    gaps = Gaps()
    gaps.add(0.016)
    levels = (Level(-30.0, -6.0), Level(-np.inf, -np.inf))
    numbers = {"load": 0.021, "mean_load": 0.02, "slowest": 0.0013}
    latency = {"algorithm": 0.032, "buffers": 0.025}
    status = Status(12.0, levels, **numbers, **latency, overruns=Gaps(), underruns=gaps)
    screen = Console(width=100)
    with screen.capture() as capture:
        screen.print(_meters.panel(status))
    lines = capture.get().splitlines()
    meter = "█" * 20 + "·" * 15 + "│" + "·" * 4
    assert lines[0].split() == ["in", meter, "-30.0", "dB", "-6.0"]
    assert lines[1].split() == ["out", "·" * 40, "-inf", "dB", "-inf"]
    assert "latency 57 ms: window 32, buffers and devices 25, computing 1.3" in lines[2]
    assert "load 2.1%, 12 s; 0 overruns, 1 underruns (16 ms of silence" in lines[3]


@pytest.mark.skipif(engine.EXTENSION is None, reason="the engine is not built")
def test_the_engine_denoises_unless_told_otherwise(command, net, noisy, tmp_path):
    code, text, err = command("denoise", noisy, "-o", tmp_path / "o.wav", "-n", net)
    assert code == 0
    assert "with backend engine" in text
    assert "not built" not in err


def test_without_the_engine_the_reference_denoises_and_says_so(
    command, net, noisy, tmp_path, monkeypatch
):
    monkeypatch.setattr(engine, "EXTENSION", None)
    code, text, err = command("denoise", noisy, "-o", tmp_path / "o.wav", "-n", net)
    assert code == 0
    assert "with backend reference" in text
    assert err.count("the compiled engine is not built: backend reference runs") == 1
    samples, _ = wav.read(noisy)
    assert (tmp_path / "o.wav").read_bytes()[44:] == offline(net, samples)
