# SPDX-License-Identifier: BSD-3-Clause
"""The LADSPA plugin, in a host of our own and in that of Debian's ladspa-sdk."""

import ctypes
import shutil
import subprocess

import numpy as np
import pytest

from lava_sparse_rnn import c_export
from lava_sparse_rnn.audio import wav
from lava_sparse_rnn.audio.sound.writer import writing
from lava_sparse_rnn.fixed_point import SpecError

FLOAT_P = ctypes.POINTER(ctypes.c_float)
HANDLE = ctypes.c_void_p


class Range(ctypes.Structure):
    """LADSPA_PortRangeHint."""

    _fields_ = (
        ("hint", ctypes.c_int),
        ("lowest", ctypes.c_float),
        ("highest", ctypes.c_float),
    )


class Descriptor(ctypes.Structure):
    """LADSPA_Descriptor, written from the interface, not from our C."""

    _fields_ = (
        ("UniqueID", ctypes.c_ulong),
        ("Label", ctypes.c_char_p),
        ("Properties", ctypes.c_int),
        ("Name", ctypes.c_char_p),
        ("Maker", ctypes.c_char_p),
        ("Copyright", ctypes.c_char_p),
        ("PortCount", ctypes.c_ulong),
        ("PortDescriptors", ctypes.POINTER(ctypes.c_int)),
        ("PortNames", ctypes.POINTER(ctypes.c_char_p)),
        ("PortRangeHints", ctypes.POINTER(Range)),
        ("ImplementationData", ctypes.c_void_p),
        ("instantiate", ctypes.CFUNCTYPE(HANDLE, ctypes.c_void_p, ctypes.c_ulong)),
        ("connect_port", ctypes.CFUNCTYPE(None, HANDLE, ctypes.c_ulong, FLOAT_P)),
        ("activate", ctypes.CFUNCTYPE(None, HANDLE)),
        ("run", ctypes.CFUNCTYPE(None, HANDLE, ctypes.c_ulong)),
        ("run_adding", ctypes.c_void_p),
        ("set_run_adding_gain", ctypes.c_void_p),
        ("deactivate", ctypes.c_void_p),
        ("cleanup", ctypes.CFUNCTYPE(None, HANDLE)),
    )


def host(descriptor, x, sizes, strength, rate=16000):
    """Run an instance in place over blocks of some sizes; samples and the latency."""
    d = descriptor.contents
    instance = d.instantiate(ctypes.addressof(d), rate)
    assert instance
    out, at = x.copy(), 0
    controls = (ctypes.c_float * 2)(strength, 0.0)
    for i in range(2):
        place = ctypes.byref(controls, 4 * i)
        d.connect_port(instance, 2 + i, ctypes.cast(place, FLOAT_P))
    d.activate(instance)
    while at < len(out):
        size = min(sizes[at % len(sizes)], len(out) - at)
        block = out[at : at + size].ctypes.data_as(FLOAT_P)
        for port in (0, 1):
            d.connect_port(instance, port, block)
        d.run(instance, size)
        at += size
    d.cleanup(instance)
    return out, controls[1]


def load(path):
    library = ctypes.CDLL(str(path))
    library.ladspa_descriptor.restype = ctypes.POINTER(Descriptor)
    assert not library.ladspa_descriptor(1)
    return library.ladspa_descriptor(0)


@pytest.mark.slow
@pytest.mark.parametrize("bands", [(0, 0), (9, 8)])
def test_a_plugin_gives_the_samples_of_the_library(
    built, gcc, tiny_denoiser, noise, tmp_path, bands
):
    network, x = tiny_denoiser(64, 16, bands=bands, strength=30), noise(40, 16)
    c = built(network)
    path = c_export.ladspa_plugin(network, tmp_path / "plugin", "tiny", gcc)
    assert path == tmp_path / "plugin" / "tiny_ladspa.so"
    descriptor = load(path)
    d = descriptor.contents
    assert (d.Label, d.PortCount, d.PortDescriptors[:4]) == (b"tiny", 4, [9, 10, 5, 6])
    assert d.PortNames[3] == b"latency"
    assert (d.PortRangeHints[2].lowest, d.PortRangeHints[2].highest) == (0, 60)
    assert not d.instantiate(ctypes.addressof(d), 44100)  # another rate
    for strength, sizes in ((60.0, [16]), (12.0, [1, 7, 100, 3])):
        c.lib.net_sound_init(c.sound)
        c.lib.net_sound_strength(c.sound, strength if strength < 60 else -1.0)
        late = np.concatenate([np.zeros(16, np.float32), c.run(x)[2]])[: len(x)]
        y, latency = host(descriptor, x, sizes, strength)
        np.testing.assert_array_equal(y, late)
        assert latency == 64
    x[17] = np.nan  # no sound: that hop is silence
    assert np.isfinite(host(descriptor, x, [100], 60.0)[0]).all()


@pytest.mark.slow
def test_at_48_khz_a_plugin_keeps_what_lies_above(gcc, tiny_denoiser, noise, tmp_path):
    network, x = tiny_denoiser(64, 16, bands=(9, 8)), noise(200, 48)
    c_export.export_denoiser(network, "net", sample_rate=48000).write(tmp_path, True)
    sources = [f"net{end}.c" for end in ("", "_sound", "_wide", "_main")]
    command = [gcc, "-std=c99", "-O2", *sources, "-o", "run"]
    subprocess.run(command, cwd=tmp_path, check=True)
    run = [tmp_path / "run", "f32", "12"]
    done = subprocess.run(run, input=x.tobytes(), stdout=-1, check=True)
    right = np.frombuffer(done.stdout, np.float32)
    descriptor = load(c_export.ladspa_plugin(network, tmp_path, "tiny", gcc))
    y, latency = host(descriptor, x, [1, 7, 100, 3], 12.0, 48000)
    assert latency == 3 * 64 + 192
    np.testing.assert_array_equal(y[int(latency) :], right[: -int(latency)])
    assert not y[: 3 * 64].any()  # after that both filters ring before a sound
    x[17] = np.nan  # no sound: that hop is silence
    assert np.isfinite(host(descriptor, x, [100], 60.0, 48000)[0]).all()


@pytest.mark.parametrize(
    ("window", "hop", "bands"), [(64, 16, (9, 8)), (64, 32, (0, 0)), (512, 128, (0, 0))]
)
def test_what_a_plugin_allocates(gcc, tiny_denoiser, tmp_path, window, hop, bands):
    network = tiny_denoiser(window, hop, bands=bands)
    c_export.ladspa_plugin(network, tmp_path, "net", gcc)
    text = '#include <stdio.h>\n#include "net_ladspa.c"\n'
    text += 'int main(void) { printf("%d", (int)sizeof(plugin)); return 0; }\n'
    (tmp_path / "size.c").write_text(text)
    names = ["size.c", "net_wide.c", "net_sound.c", "net.c"]
    command = [gcc, "-std=c99", *names, "-o", "size"]
    subprocess.run(command, cwd=tmp_path, check=True)
    size = int(subprocess.run([tmp_path / "size"], capture_output=True).stdout)
    assert c_export.ladspa_bytes(network) == size


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("applyplugin"), reason="there is no ladspa-sdk")
def test_the_command_and_a_host_of_debian(gcc, command, shipped_small, tmp_path):
    shipped_small.save(tmp_path / "small.net")
    words = ("export-c", tmp_path / "small.net", "-o", tmp_path / "p", "--ladspa")
    code, text, _ = command(*words, "--cc", gcc)
    assert code == 0
    path = tmp_path / "p" / "small_ladspa.so"
    assert f"{path}: " in text
    ram = f"{c_export.ladspa_bytes(shipped_small):,} bytes for each stream"
    how = "32 ms late, at 48 kHz 36; try it: applyplugin"
    assert f"and a LADSPA plugin, RAM {ram}, {how}" in text
    rng = np.random.default_rng(0)
    with writing(tmp_path / "in.wav") as writer:
        writer.write(rng.normal(0, 0.1, 8000).astype(np.float32))
    x, _ = wav.read(tmp_path / "in.wav")
    files = ("in.wav", "out.wav")
    subprocess.run(
        ["applyplugin", *files, path, "small", "12"],
        cwd=tmp_path,
        check=True,
        capture_output=True,
    )
    heard, _ = wav.read(tmp_path / "out.wav")
    y, _ = host(load(path), x.astype(np.float32), [64], 12.0)
    assert np.abs(y).max() > 0.05
    # The host writes 16 bits, and cuts off what is below.
    np.testing.assert_allclose(heard, y, rtol=0, atol=1.5 / 32768)


def test_no_compiler_is_one_sentence(tiny_denoiser, tmp_path):
    network = tiny_denoiser(32, 16)
    for make in (
        lambda: c_export.ladspa_plugin(network, tmp_path, "x", "no-such -O2"),
        lambda: c_export.browser_page(network, tmp_path, "no-such -O2"),
    ):
        with pytest.raises(SpecError, match="cc 'no-such -O2': there is no such"):
            make()
    assert not list(tmp_path.iterdir())
