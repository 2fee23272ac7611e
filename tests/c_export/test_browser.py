# SPDX-License-Identifier: BSD-3-Clause
"""The denoiser in a browser: WebAssembly, and a node of Web Audio in Chromium."""

import http.server
import re
import shutil
import subprocess
import threading
import urllib.request
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from lava_sparse_rnn import c_export
from lava_sparse_rnn.audio import wav

HERE = Path(__file__).parent
SAMPLE = HERE.parents[1] / "data" / "samples" / "noisy_01.wav"
LARGEST = 150_000  # bytes of the small network's module
PATIENCE_S = 300
MISSING = [name for name in ("clang", "wasm-ld") if not shutil.which(name)]
pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"there is no {MISSING}")
FLAGS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu"),
    "--autoplay-policy=no-user-gesture-required",
    *("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"),
    f"--use-file-for-fake-audio-capture={SAMPLE}",
)


@pytest.fixture(scope="module")
def page(tmp_path_factory, shipped_small):
    """The page of the small network."""
    folder = tmp_path_factory.mktemp("page")
    c_export.browser_page(shipped_small, folder)
    return folder


@pytest.mark.slow
def test_the_page_is_static_and_small(page):
    assert {p.name for p in page.iterdir()} == {
        *("index.html", "page.js", "page.css", "denoiser.js", "worklet.js"),
        "denoiser.wasm",
    }
    module = (page / "denoiser.wasm").read_bytes()
    assert module[:4] == b"\0asm"
    assert len(module) < LARGEST


@pytest.mark.slow
def test_the_command_writes_it(command, tiny_denoiser, tmp_path):
    tiny_denoiser(32, 16).save(tmp_path / "x.net")
    code, text, _ = command("demo", tmp_path / "x.net", "-o", tmp_path / "page")
    assert code == 0
    assert re.search(r"page: 6 files, [\d,]+ bytes, a page .*; run it: python", text)
    code, _, error = command("demo", tmp_path / "x.net", "-o", tmp_path / "x.net")
    assert code == 1
    assert "is a file" in error
    code, _, error = command("demo", tmp_path / "x.net", "--port", str(2**64))
    assert code == 1
    assert f"--port: is {2**64}, must be at most 65535" in error


@pytest.mark.slow
def test_the_command_serves_it(monkeypatch, command, tiny_denoiser, tmp_path):
    tiny_denoiser(32, 16).save(tmp_path / "x.net")
    got = {}

    def serve(server):  # one look, and the end
        host, port = server.server_address
        thread = threading.Thread(target=look, args=(f"http://{host}:{port}/",))
        thread.start()
        for _ in range(2):
            server.handle_request()
        thread.join()
        raise KeyboardInterrupt

    def look(url):
        for name in ("", "denoiser.wasm"):
            with urllib.request.urlopen(url + name) as answer:
                got[name] = answer.headers["Content-Type"], answer.read()

    monkeypatch.setattr(http.server.ThreadingHTTPServer, "serve_forever", serve)
    code, text, _ = command("demo", tmp_path / "x.net", "--port", "0")
    assert code == 130
    assert text.startswith("http://127.0.0.1:")
    assert got[""][0] == "text/html"
    assert got["denoiser.wasm"][0] == "application/wasm"


class Handler(http.server.SimpleHTTPRequestHandler):
    """Gives the page, and keeps what it posts."""

    def do_POST(self):  # the name that the server calls
        size = int(self.headers["Content-Length"])
        self.server.got[self.path[1:]] = self.rfile.read(size)
        self.send_response(204)
        self.end_headers()
        if self.path in ("/done", "/error"):
            self.server.done.set()

    def log_message(self, *args):
        pass


def browse(folder, tmp_path):
    """What the page ``test.html`` of a folder posts, in Chromium."""
    handler = partial(Handler, directory=folder)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.got, server.done = {}, threading.Event()
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/test.html"
        command = ["chromium", *FLAGS, f"--user-data-dir={tmp_path / 'user'}", url]
        browser = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        try:
            assert server.done.wait(PATIENCE_S)
        finally:
            browser.terminate()
            browser.wait()
            server.shutdown()
    assert "error" not in server.got, server.got["error"].decode()
    return server.got


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("chromium"), reason="there is no chromium")
def test_samples_of_chromium_are_those_of_the_library(
    page, built, gcc, shipped_small, tmp_path
):
    """Offline, with a limit, switched off; and a recording as the microphone."""
    x = wav.read(SAMPLE)[0].astype(np.float32)[:40000]
    shutil.copy(HERE / "browser_test.html", page / "test.html")
    (page / "noisy.f32").write_bytes(x.tobytes())
    c = built(shipped_small)

    def right(x, strength=-1.0):
        c.lib.net_sound_init(c.sound)
        c.lib.net_sound_strength(c.sound, strength)
        y = c.run(x[: len(x) // 256 * 256])[2]
        return np.concatenate([np.zeros(256, np.float32), y])[: len(x)]

    made = c_export.export_denoiser(shipped_small, "wide", sample_rate=48000)
    made.write(tmp_path, main=True)
    command = [gcc, "-std=c99", "-O2", *made.sources, made.main, "-o", "wide"]
    subprocess.run(command, cwd=tmp_path, check=True)
    run = [tmp_path / "wide", "f32", "20"]
    wide = subprocess.run(run, input=x.tobytes(), stdout=-1, check=True).stdout

    got = browse(page, tmp_path)
    got = {name: np.frombuffer(data, np.float32) for name, data in got.items()}
    np.testing.assert_array_equal(got["offline"], right(x))
    np.testing.assert_array_equal(got["limited"], right(x, 12.0))
    np.testing.assert_array_equal(got["off"][512:], x[:-512])
    right_wide = np.frombuffer(wide, np.float32)[:-1728]  # the same as sound of 48 kHz
    np.testing.assert_array_equal(got["wide"][1728:], right_wide)
    np.testing.assert_array_equal(got["wide_off"][1728:], x[:-1728])
    late, heard, out = got["microphone"][0], *got["microphone"][1:].reshape(2, -1)
    assert late == 0  # it was recorded from the node's first sample on
    assert np.abs(heard).max() > 0.05
    expected = right(heard)
    np.testing.assert_array_equal(out[: len(expected)], expected)
