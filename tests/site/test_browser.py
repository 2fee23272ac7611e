# SPDX-License-Identifier: BSD-3-Clause
"""The site and a report in a browser: it shows, searches, plays, complains of nothing.

    uv run --group dev --group browser pytest tests/site

Chromium is the system's. LAVA_SPARSE_RNN_SITE=FOLDER is a site that is built already,
LAVA_SPARSE_RNN_SHOTS=FOLDER keeps what the browser shows as pictures, to be looked at.
"""

import contextlib
import functools
import http.server
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from lava_sparse_rnn import audio, c_export, report, spec

ROOT = Path(__file__).parents[2]
SITE = os.environ.get("LAVA_SPARSE_RNN_SITE")
SHOTS = os.environ.get("LAVA_SPARSE_RNN_SHOTS")
MICROPHONE = (
    *("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"),
    f"--use-file-for-fake-audio-capture={ROOT / 'data/samples/noisy_01.wav'}",
)
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def browser():
    api = pytest.importorskip("playwright.sync_api", reason="no playwright")
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    if program is None:
        pytest.skip(f"no browser: none of {', '.join(BROWSERS)}")
    with api.sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=program, args=["--no-sandbox", "--mute-audio", *MICROPHONE]
        )
        yield started
        started.close()


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The address of the site, built and served."""
    pytest.importorskip("mkdocs", reason="no mkdocs: the site cannot be built")
    if SITE:
        with served(ROOT / SITE) as address:
            yield address
        return
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "-q", "-d", folder]
    subprocess.run(command, cwd=ROOT, check=True, timeout=900)
    with served(folder) as address:
        yield address


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@contextlib.contextmanager
def served(folder):
    """The address of a folder on this machine, while it lasts."""
    handler = functools.partial(Quiet, directory=folder)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def page(browser):
    """A page that fails the test for errors and for requests to other hosts."""
    opened = browser.new_page(viewport={"width": 1280, "height": 800})
    opened.set_default_timeout(60_000)
    wrong = []

    def console(message):
        if message.type in ("error", "warning"):
            wrong.append(f"{message.type}: {message.text}")

    def request(asked):
        if not asked.url.startswith(("http://127.0.0.1:", "file:", "data:", "blob:")):
            wrong.append(f"asks {asked.url}")

    opened.on("console", console)
    opened.on("pageerror", lambda error: wrong.append(f"raises {error}"))
    opened.on("request", request)
    opened.on("requestfailed", lambda r: wrong.append(f"failed {r.url}: {r.failure}"))
    yield opened
    opened.close()
    assert wrong == []


def shoot(page, name, whole=False):
    """Keep what the page shows, where somebody wants to look at it."""
    if SHOTS:
        page.screenshot(path=Path(SHOTS) / f"{name}.png", full_page=whole)


def whole_pictures(page):
    """Whether every picture of a page has arrived and has a size."""
    page.wait_for_load_state("networkidle")
    return page.evaluate(
        "[...document.images].every(i => i.complete && i.naturalWidth > 0)"
    )


def plays(page, player):
    """Seconds that a sound has come forward after it was asked to play."""
    return page.evaluate(
        """async (player) => {
            await player.play();
            const start = Date.now();
            while (player.currentTime === 0 && Date.now() - start < 30000)
                await new Promise(done => setTimeout(done, 50));
            player.pause();
            return player.duration > 4 ? player.currentTime : 0;
        }""",
        player,
    )


def test_the_first_page_fits_a_screen_and_plays(site, page):
    page.goto(f"{site}/index.html")
    assert whole_pictures(page)
    shoot(page, "landing")
    players = page.query_selector_all("audio")
    assert len(players) == 2
    for player in players:
        assert player.bounding_box()["y"] < 800
        assert plays(page, player) > 0
    for thing in (page.get_by_text("uv run lava-sparse-rnn"), page.locator(".speeds")):
        box = thing.first.bounding_box()
        assert box["y"] + box["height"] < 800


def test_a_word_is_found_and_leads_to_its_page(site, page):
    page.goto(f"{site}/index.html")
    page.keyboard.press("/")
    page.keyboard.type("neurocore", delay=30)
    found = page.locator(".md-search-result__link")
    found.first.wait_for()
    shoot(page, "search")
    assert found.count() > 1
    found.first.click()
    page.wait_for_url(lambda url: "index.html" not in url.split("/")[-1])
    assert "neurocore" in page.content().lower()


LIT = """name => {
    const at = document.getElementById(name);
    // Of a copy: Chromium warns of a picture that is read several times.
    const copy = new OffscreenCanvas(at.width, at.height);
    const own = copy.getContext('2d', { willReadFrequently: true });
    own.drawImage(at, 0, 0);
    const seen = own.getImageData(0, 0, at.width, at.height).data;
    let lit = 0;
    for (let i = 0; i < seen.length; i += 4) lit += seen[i] > 60;
    return lit > 0.15 * at.width * at.height;
}"""
"""Whether 15 % of a picture is not dark; of what leaves the small denoiser 20 % is."""
PAGES = {
    "howto": "docs/run_in_lava.html",
    "estimate": "docs/read_an_estimate.html",
    "gallery": "gallery.html",
    "api": "reference/spec.html",
    "command": "reference/command.html",
}
NOTEBOOKS = sorted(path.stem for path in (ROOT / "tutorials").glob("*.ipynb"))
PAGES |= {f"notebook_{name[:2]}": f"tutorials/{name}.html" for name in NOTEBOOKS}


@pytest.mark.parametrize("name", PAGES)
def test_a_page_shows_its_pictures(site, page, name):
    page.goto(f"{site}/{PAGES[name]}")
    assert whole_pictures(page)
    assert page.locator("h1").count() >= 1
    assert page.locator("p", has_text="$").count() == 0  # no formula is left as TeX
    shoot(page, name, whole=name not in ("api", "command"))


def test_a_report_opens_from_a_file_and_plays(page, tmp_path):
    network = spec.load("denoiser_small")
    sound, _ = audio.wav.read(ROOT / "data" / "samples" / "noisy_01.wav")
    tokens = audio.Denoiser(network).tokens(sound)[:100]
    text = report.page(network, tokens, sounds={"noisy": sound})
    report.write(tmp_path / "report.html", text)
    page.goto((tmp_path / "report.html").as_uri())
    assert whole_pictures(page)
    assert page.locator("img").count() == 5
    assert plays(page, page.query_selector("audio")) > 0
    shoot(page, "report", whole=True)


@pytest.mark.skipif(not shutil.which("wasm-ld"), reason="there is no clang with lld")
def test_the_demo_shows_what_the_microphone_hears(page, tmp_path):
    """Where the picture of docs/browser.md comes from."""
    c_export.browser_page(spec.load("denoiser_small"), tmp_path)
    (tmp_path / "favicon.ico").touch()  # which browsers ask for
    page.set_viewport_size({"width": 980, "height": 760})
    with served(tmp_path) as address:
        page.goto(f"{address}/index.html")
        page.locator("#strength").evaluate(
            "at => { at.value = 20; at.dispatchEvent(new Event('input')); }"
        )
        page.click("#microphone")
        for name in ("noisy", "clean"):
            page.wait_for_function(LIT, arg=name, polling=500)
        shoot(page, "browser")


COUNTED = """
window.contexts = [];
window.AudioContext = class extends AudioContext {
  constructor(...given) {
    super(...given);
    window.contexts.push(this);
  }
};
"""
RUNNING = "() => contexts.filter(c => c.state === 'running').length"


@pytest.mark.skipif(not shutil.which("wasm-ld"), reason="there is no clang with lld")
def test_the_demo_makes_sound_once_however_often_it_is_asked(page, tmp_path):
    c_export.browser_page(spec.load("denoiser_small"), tmp_path)
    (tmp_path / "favicon.ico").touch()
    page.add_init_script(COUNTED)
    with served(tmp_path) as address:
        page.goto(f"{address}/index.html")
        page.evaluate(
            "for (let i = 0; i < 3; ++i) document.getElementById('microphone').click()"
        )
        page.wait_for_function(
            "contexts.length > 0 && !document.getElementById('stop').disabled"
        )
        assert page.evaluate(RUNNING) == 1
        page.evaluate("""() => {
            const rate = document.getElementById('rate');
            document.getElementById('microphone').click();
            rate.selectedIndex = 1 - rate.selectedIndex;
            rate.dispatchEvent(new Event('change'));
        }""")
        page.click("#microphone")
        page.wait_for_function(
            "contexts.length > 1 && !document.getElementById('stop').disabled"
        )
        assert page.evaluate(RUNNING) == 1
        page.close()  # a start that another one overtook may still be loading


def test_a_phone_shows_the_first_page(site, page):
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{site}/index.html")
    assert whole_pictures(page)
    wide = page.evaluate("document.documentElement.scrollWidth")
    assert wide <= 390
    shoot(page, "phone")


def test_the_rooms_are_beside_a_page_of_the_reference(site, page):
    page.goto(f"{site}/reference/spec.html")
    room = page.locator(".md-sidebar--primary").get_by_text("loihi2", exact=True)
    assert room.count() == 1
