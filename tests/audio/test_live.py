# SPDX-License-Identifier: BSD-3-Clause
"""Live denoising, with devices that the test drives, with pipes and with files."""

import os
import threading
import time
from collections import deque
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile
import soxr
from hypothesis import given, settings
from hypothesis import strategies as st

from lava_sparse_rnn import spec
from lava_sparse_rnn.audio import AudioError, Denoiser, FrontEnd
from lava_sparse_rnn.audio.errors import MissingDependencyError
from lava_sparse_rnn.audio.live import devices
from lava_sparse_rnn.audio.live.devices import (
    Fifo,
    Loudspeaker,
    Microphone,
    load_sounddevice,
)
from lava_sparse_rnn.audio.live.files import (
    Paced,
    PcmSink,
    WavSink,
    WavSource,
    pcm16,
)
from lava_sparse_rnn.audio.live.pipes import PipeSource
from lava_sparse_rnn.audio.live.session import Gaps, Live, Meter
from lava_sparse_rnn.audio.sound import wav

BLOCK = 128 / 16000
STOP, GO = threading.Event(), threading.Event()
STOP.set()


@pytest.fixture(scope="module")
def denoiser():
    """A small random network; it does not denoise."""
    network = spec.random_network(
        np.random.default_rng(2), d_in=33, d_model=12, d_state=8, d_out=33
    )
    meta = FrontEnd(n_fft=64, hop_length=16, feature_mean=0.2).metadata()
    return Denoiser(spec.Network(network.layers, network.recipe, meta))


@pytest.fixture
def sound():
    """A quarter of a second of noise."""
    return np.random.default_rng(0).normal(0, 0.1, 4000).astype(np.float32)


class FakeStream:
    """A stream whose callback the test calls, as PortAudio's thread would."""

    latency = 0.005

    def __init__(self, **options):
        self.options, self.active = options, False

    def start(self):
        self.active = True

    def stop(self):
        self.active = False

    close = stop

    def feed(self, samples, status=None):
        data = np.repeat(samples[:, None], self.options["channels"], axis=1)
        self.options["callback"](data, len(data), None, status)

    def pull(self, frames, status=None):
        data = np.full((frames, self.options["channels"]), np.nan, np.float32)
        self.options["callback"](data, frames, None, status)
        assert (data == data[:, :1]).all()
        return data[:, 0].copy()


class FakeSound:
    """Stands in for the module ``sounddevice``."""

    class PortAudioError(Exception):
        pass

    def __init__(self, rate=16000, channels=1):
        self.rate, self.channels, self.streams = rate, channels, {}

    def query_devices(self, device, kind):
        return {"default_samplerate": float(self.rate)}

    def check_input_settings(self, device, channels, dtype, samplerate):
        if (samplerate, channels) != (self.rate, self.channels):
            raise self.PortAudioError("Invalid sample rate")

    check_output_settings = check_input_settings

    def _made(self, kind, options):
        return self.streams.setdefault(kind, FakeStream(**options))

    def InputStream(self, **options):  # noqa: N802
        return self._made("in", options)

    def OutputStream(self, **options):  # noqa: N802
        return self._made("out", options)


def until(condition):
    """Wait for another thread."""
    for _ in range(10_000):
        if condition():
            return
        time.sleep(0.001)
    raise AssertionError("did not happen")


def drained(sink, stream, size, ended):
    """What is played until the end, never asking for what is still to come."""
    played = []
    while not ended():
        if sink._fifo.waiting >= size or sink._ending:
            played.append(stream.pull(size))
        time.sleep(0.0002)
    return played


def blocks_of(sound, size=128):
    return [sound[at : at + size] for at in range(0, len(sound), size)]


def test_from_microphone_to_loudspeaker(denoiser, sound):
    sd = FakeSound()
    session = Live(
        denoiser,
        Microphone(sd, None, BLOCK, 8 * BLOCK),
        Loudspeaker(sd, None, BLOCK, 8 * BLOCK),
    )
    mic, out = sd.streams["in"], sd.streams["out"]
    assert (mic.options["blocksize"], mic.options["samplerate"]) == (128, 16000)
    session.start()
    until(lambda: mic.active)
    played, waiting = [], 0
    for block in blocks_of(sound):
        mic.feed(block)
        waiting += len(block)
        until(lambda n=waiting: session.sink._fifo.waiting == n)
        if waiting > 128:  # one block stays
            played.append(out.pull(128))
            waiting -= 128
    status = session.status()
    assert status.algorithm == 64 / 16000
    assert status.buffers == pytest.approx(
        2 * 0.005 + session.sink._fifo.waiting / 16e3
    )
    session.stop()
    played += drained(session.sink, out, 64, lambda: session.join(0))
    played = np.concatenate(played)
    expected = np.concatenate([np.zeros(64, np.float32), denoiser.denoise(sound)])
    assert np.array_equal(played[: len(expected)], expected)
    assert not played[len(expected) :].any()
    assert status.overruns == status.underruns == Gaps()


def test_what_has_no_room_is_counted_as_an_overrun(sound):
    sd = FakeSound()
    source = Microphone(sd, None, BLOCK, 3 * BLOCK)
    source.start()
    for block in blocks_of(sound)[:5]:
        sd.streams["in"].feed(block)
    assert source.gaps.events == 2
    assert source.gaps.seconds == pytest.approx(2 * BLOCK)
    assert source.latency == pytest.approx(0.005 + 3 * BLOCK)
    assert np.array_equal(source.read(GO), sound[: 3 * 128])
    sd.streams["in"].feed(sound[:128], SimpleNamespace(input_overflow=True))
    assert source.gaps.events == 3
    assert np.array_equal(source.read(STOP), sound[:128])
    assert source.read(STOP) is None


def test_what_is_not_there_is_counted_as_an_underrun(sound):
    sd = FakeSound()
    sink = Loudspeaker(sd, None, BLOCK, 3 * BLOCK)
    sink.start()
    out = sd.streams["out"]
    sink.write(sound[:128], GO)
    assert not out.pull(128).any()  # too little to begin with
    assert sink.gaps == Gaps()
    sink.write(sound[128:300], GO)
    pulled = [out.pull(128) for _ in range(3)]
    assert np.array_equal(np.concatenate(pulled)[:300], sound[:300])
    assert not np.concatenate(pulled)[300:].any()
    assert sink.gaps.events == 1
    assert sink.gaps.seconds == pytest.approx(84 / 16000)
    out.pull(0, SimpleNamespace(output_underflow=True))
    assert sink.gaps.events == 2


def test_a_full_loudspeaker_lets_a_recording_wait(denoiser, sound, tmp_path):
    soundfile.write(tmp_path / "x.wav", sound, 16000, subtype="FLOAT")
    sd = FakeSound()
    source = WavSource(tmp_path / "x.wav", 128)
    session = Live(denoiser, source, Loudspeaker(sd, None, BLOCK, 2 * BLOCK))
    session.start()
    until(lambda: session.sink._fifo.waiting == 4 * 128)
    assert session.status().seconds < 6 * BLOCK
    ended = lambda: session.join(0)  # noqa: E731
    played = drained(session.sink, sd.streams["out"], 128, ended)
    played = np.concatenate(played)[64:]
    assert np.array_equal(played[:4000], denoiser.denoise(sound))
    assert session.status().underruns == Gaps()


@pytest.mark.parametrize(("rate", "channels"), [(48000, 1), (44100, 2)])
def test_devices_of_other_rates_are_resampled(rate, channels):
    t = np.arange(rate // 2) / rate
    tone = (0.3 * np.sin(2 * np.pi * 440 * t)).astype(np.float32)
    sd = FakeSound(rate, channels)
    source = Microphone(sd, None, BLOCK, 64 * BLOCK)
    source.start()
    got, held = [], []
    for block in blocks_of(tone, round(rate * BLOCK)):
        sd.streams["in"].feed(block)
        got.append(source.read(GO))
        held.append(source.latency - 0.005)
    got += [source.read(STOP)]
    assert source.read(STOP) is None
    expected = soxr.resample(tone, rate, 16000, quality="HQ")
    got = np.concatenate(got)
    assert len(got) == len(expected)
    assert np.abs(got - expected).max() < 1e-6
    assert 0.01 < max(held) <= source.hold < 0.05
    assert min(held) > -1e-3

    sink = Loudspeaker(sd, None, BLOCK, 1.0, source.hold)
    sink.start()
    for block in blocks_of(expected):
        sink.write(block, GO)
    closing = threading.Thread(target=sink.close)
    closing.start()
    ended = lambda: not closing.is_alive()  # noqa: E731
    played = drained(sink, sd.streams["out"], 64, ended)
    back = soxr.resample(expected, 16000, rate, quality="HQ")
    played = np.concatenate(played)[: len(back)]
    assert np.abs(played - back).max() < 1e-6
    assert sink.gaps == Gaps()


def test_a_device_that_goes_away_ends_with_an_error(denoiser, tmp_path):
    sd = FakeSound()
    out = tmp_path / "o.wav"
    session = Live(denoiser, Microphone(sd, "usb", BLOCK, 0.1), WavSink(out))
    session.start()
    until(lambda: sd.streams["in"].active)
    sd.streams["in"].active = False
    with pytest.raises(AudioError, match=r"input device \('usb'\): has stopped"):
        session.join()
    assert list(tmp_path.iterdir()) == []


def test_a_device_without_a_usable_format_is_named():
    sd = FakeSound(8000, 6)
    text = r"input device \(default\): takes neither 16000 Hz nor 8000 Hz.*--input"
    with pytest.raises(AudioError, match=text):
        Microphone(sd, None, BLOCK, 0.1)


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (ModuleNotFoundError("sounddevice"), "the extra 'live'.*--input and --output"),
        (OSError("PortAudio library not found"), "PortAudio.*libportaudio2"),
    ],
)
def test_what_is_not_installed_is_named(monkeypatch, error, says):
    def refuse(name):
        raise error

    monkeypatch.setattr(devices, "import_module", refuse)
    with pytest.raises(MissingDependencyError, match=says):
        load_sounddevice()


@settings(max_examples=30)
@given(
    st.integers(1, 9),
    st.lists(st.tuples(st.booleans(), st.integers(0, 12)), max_size=30),
)
def test_a_queue_gives_what_it_took_in_order(capacity, actions):
    fifo, model, n = Fifo(capacity), deque(), 0
    for is_put, size in actions:
        if is_put:
            taken = fifo.put(np.arange(n, n + size, dtype=np.float32))
            assert taken == min(size, capacity - len(model))
            model.extend(range(n, n + taken))
            n += size
        else:
            out = fifo.take(size)
            assert out.tolist() == [
                model.popleft() for _ in range(min(size, len(model)))
            ]
        assert fifo.waiting == len(model)
    assert fifo.take().tolist() == list(model)


class Pipe:
    """Both ends of a pipe; one of them as an object with a file descriptor."""

    def __init__(self):
        self.reading, self.writing = os.pipe()

    def end(self, fd):
        return SimpleNamespace(fileno=lambda: fd)


@pytest.mark.parametrize("cut", [1, 2, 77, 1000, 100_000])
def test_pipes_give_the_offline_result(denoiser, sound, cut):
    there, back = Pipe(), Pipe()
    data, _ = pcm16(sound[:1500])
    exact = np.frombuffer(data, "<i2").astype(np.float32) / 32768
    source = PipeSource(there.end(there.reading), 128)
    session = Live(denoiser, source, PcmSink(back.end(back.writing)))
    session.start()
    for at in range(0, len(data), cut):
        os.write(there.writing, data[at : at + cut])
    os.close(there.writing)
    session.join()
    expected, clipped = pcm16(denoiser.denoise(exact))
    assert os.read(back.reading, 10**6) == expected
    assert session.sink.clipped == clipped
    for fd in (there.reading, back.reading, back.writing):
        os.close(fd)


def test_a_stop_lets_out_what_was_heard(denoiser, sound, tmp_path):
    pipe, out = Pipe(), tmp_path / "o.wav"
    source = PipeSource(pipe.end(pipe.reading), 128)
    session = Live(denoiser, source, WavSink(out))
    session.start()
    os.write(pipe.writing, pcm16(sound[:900])[0])
    until(lambda: session.status().seconds >= 900 / 16000 - 1e-9)
    assert not out.exists()
    session.stop()
    session.join()
    exact = np.frombuffer(pcm16(sound[:900])[0], "<i2").astype(np.float32) / 32768
    written, rate = soundfile.read(out, dtype="int16")
    assert rate == 16000
    assert written.tobytes() == pcm16(denoiser.denoise(exact))[0]
    os.close(pipe.reading)
    os.close(pipe.writing)


@pytest.mark.parametrize("name", ["o.wav", "o.flac"])
def test_half_a_sample_is_an_error_and_what_came_before_is_kept(
    denoiser, sound, tmp_path, name
):
    there, back = Pipe(), Pipe()
    data = pcm16(sound[:900])[0]
    exact = np.frombuffer(data, "<i2").astype(np.float32) / 32768
    expected = pcm16(denoiser.denoise(exact))[0]
    for sink in (WavSink(tmp_path / name), PcmSink(back.end(back.writing))):
        there = Pipe()
        os.write(there.writing, data + b"x")
        os.close(there.writing)
        session = Live(denoiser, PipeSource(there.end(there.reading), 128), sink)
        session.start()
        with pytest.raises(AudioError, match="ends within a sample; is it s16le"):
            session.join()
        os.close(there.reading)
    written, _ = soundfile.read(tmp_path / name, dtype="int16")
    assert written.tobytes() == expected
    assert os.read(back.reading, 10**6) == expected
    assert [path.name for path in tmp_path.iterdir()] == [name]
    os.close(back.reading)
    os.close(back.writing)


def test_an_error_before_any_sound_leaves_the_old_file(denoiser, tmp_path):
    (tmp_path / "o.wav").write_text("old")
    pipe = Pipe()
    os.write(pipe.writing, b"x")
    os.close(pipe.writing)
    source = PipeSource(pipe.end(pipe.reading), 128)
    session = Live(denoiser, source, WavSink(tmp_path / "o.wav"))
    session.start()
    with pytest.raises(AudioError, match="ends within a sample"):
        session.join()
    assert (tmp_path / "o.wav").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["o.wav"]
    os.close(pipe.reading)


class Failing:
    """A source, or a denoiser's backend, that fails after a while."""

    latency, gaps = 0.0, Gaps()

    def __init__(self, pieces, error):
        self._pieces, self._error = iter(pieces), error

    def start(self):
        pass

    close = start

    def read(self, stop):
        piece = next(self._pieces, None)
        if piece is None:
            raise self._error
        return piece


@pytest.mark.parametrize(
    "error", [OSError(5, "Input/output error"), MemoryError(), ZeroDivisionError()]
)
def test_whatever_error_ends_a_session_keeps_what_was_heard(
    denoiser, sound, tmp_path, error
):
    session = Live(
        denoiser, Failing(blocks_of(sound), error), WavSink(tmp_path / "o.wav")
    )
    session.start()
    with pytest.raises(type(error)):
        session.join()
    written, _ = soundfile.read(tmp_path / "o.wav", dtype="int16")
    assert written.tobytes() == pcm16(denoiser.denoise(sound))[0]


def test_sound_that_is_none_is_refused_after_what_was_good(denoiser, sound, tmp_path):
    pieces = [*blocks_of(sound), np.full(10, np.nan, np.float32)]
    source = Failing(pieces, AssertionError("read on"))
    session = Live(denoiser, source, WavSink(tmp_path / "o.wav"))
    session.start()
    with pytest.raises(AudioError, match="sample 0 is nan"):
        session.join()
    written, _ = soundfile.read(tmp_path / "o.wav", dtype="int16")
    assert written.tobytes() == pcm16(denoiser.denoise(sound))[0]


@pytest.mark.slow
def test_a_pipe_that_takes_nothing_is_given_up(denoiser, sound):
    pipe = Pipe()  # has room for 64 KiB
    source = Failing(blocks_of(np.tile(sound, 20)), AssertionError("read on"))
    session = Live(denoiser, source, PcmSink(pipe.end(pipe.writing)))
    session.start()
    session.stop()
    assert not session.join(0.5)
    session.give_up()
    with pytest.raises(AssertionError):  # this source does not hear the stop
        session.join(10)
    os.close(pipe.reading)
    os.close(pipe.writing)


def test_a_pipe_that_nobody_reads_ends_the_session(denoiser, sound, tmp_path):
    soundfile.write(tmp_path / "x.wav", sound, 16000)
    pipe = Pipe()
    os.close(pipe.reading)
    source = WavSource(tmp_path / "x.wav", 128)
    session = Live(denoiser, source, PcmSink(pipe.end(pipe.writing)))
    session.start()
    with pytest.raises(BrokenPipeError):
        session.join()
    os.close(pipe.writing)


@pytest.mark.parametrize("n", [1, 63, 64, 65, 4000])
def test_a_file_becomes_what_denoising_it_offline_gives(denoiser, sound, tmp_path, n):
    soundfile.write(tmp_path / "x.wav", sound[:n], 16000, subtype="FLOAT")
    session = Live(
        denoiser, WavSource(tmp_path / "x.wav", 100), WavSink(tmp_path / "y.wav")
    )
    session.start()
    session.join()
    wav.write(tmp_path / "z.wav", denoiser.denoise(sound[:n]))
    assert (tmp_path / "y.wav").read_bytes() == (tmp_path / "z.wav").read_bytes()
    assert session.status().seconds == pytest.approx(n / 16000)


def test_a_paced_recording_takes_as_long_as_its_sound(monkeypatch, tmp_path, sound):
    soundfile.write(tmp_path / "x.wav", sound, 16000)
    now = [100.0]

    class Stop:
        def is_set(self):
            return False

        def wait(self, seconds):
            now[0] += seconds

    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    source, at = Paced(WavSource(tmp_path / "x.wav", 128)), []
    while (piece := source.read(Stop())) is not None:
        at.append(now[0] - 100)
        now[0] += 0.001 * len(piece) / 128  # what computing takes
    ends = np.minimum(np.arange(128, 4100, 128), 4000) / 16000
    np.testing.assert_allclose(at, ends, atol=1e-9)


def test_levels_are_decibels_of_full_scale():
    meter = Meter()
    meter.add(np.array([0.5, -0.5], np.float32))
    meter.add(np.array([0.5, -0.5, 0.5], np.float32))
    level = meter.read()
    assert level.rms == pytest.approx(20 * np.log10(0.5))
    assert level.peak == pytest.approx(-6.0206, abs=1e-4)
    assert meter.read().peak == -np.inf
