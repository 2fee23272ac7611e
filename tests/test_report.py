# SPDX-License-Identifier: BSD-3-Clause
"""A network on one page, and bars that show how far something is."""

import base64
import io
import json
import re
import sys

import numpy as np
import pytest
import soundfile
from rich.console import Console

from lava_sparse_rnn import audio, loihi2, progress, report, spec
from lava_sparse_rnn.cli import main
from lava_sparse_rnn.spec.statistics import TensorError

FRONT_END = audio.FrontEnd(n_fft=16, hop_length=4)


@pytest.fixture(scope="module")
def network():
    made = spec.random_network(np.random.default_rng(0), d_in=9, d_out=9)
    return spec.Network(made.layers, made.recipe, FRONT_END.metadata())


@pytest.fixture(scope="module")
def tokens(network):
    return np.random.default_rng(1).integers(-9, 9, (5, network.d_in))


def headings(page):
    return re.findall("<h2>(.*?)</h2>", page)


def inlined(page, kind):
    found = re.findall(f'src="data:{kind};base64,([^"]*)"', page)
    return [base64.b64decode(text) for text in found]


@pytest.mark.slow
def test_a_page_without_input_shows_what_the_network_is(network):
    page = report.page(network, name="a<b")
    assert [h.split(" (")[0] for h in headings(page)] == [
        "What it holds",
        "What it would take of Loihi 2",
    ]
    assert "<h1>a&lt;b: " in page
    assert f"<p>front end: {FRONT_END}</p>" in page
    for table in (
        spec.tables.layer_table(network),
        spec.tables.matrix_table(network),
        loihi2.tables.mapping_table(loihi2.map_network(network)),
    ):
        assert table.html() in page


@pytest.mark.slow
def test_a_page_with_input_shows_what_it_does(network, tokens):
    errors = [TensorError(0, "out", 40.0, 0, 0.0)]
    sound = np.sin(np.arange(800) / 9) / 2
    page = report.page(network, tokens, errors=errors, sounds={"<noisy>": sound})
    assert len(headings(page)) == 6
    mapping = loihi2.map_network(network)
    estimate = loihi2.estimate(network, tokens, mapping)
    assert loihi2.tables.counts_table(estimate.counts).html() in page
    assert "no hardware was run" in page
    (flac,) = inlined(page, "audio/flac")
    samples, rate = soundfile.read(io.BytesIO(flac))
    assert rate == 16000
    np.testing.assert_allclose(samples, sound, atol=2**-15)
    pictures = inlined(page, r"image/svg\+xml")
    assert len(pictures) == 6
    assert all(b"</svg>" in picture for picture in pictures)


@pytest.mark.slow
def test_a_page_asks_for_no_other_file(network, tokens):
    page = report.page(network, tokens)
    for target in re.findall(r'(?:src|href)="([^"]{0,40})', page):
        assert target.startswith("data:")
    assert "@import" not in page
    assert "url(" not in page


@pytest.mark.slow
def test_a_mapping_that_is_given_is_the_one_that_is_shown(network):
    mapping = loihi2.map_network(network, cores=20)
    assert f"{len(mapping)} cores on 1 of" in report.page(network, mapping=mapping)


@pytest.mark.parametrize("content", ["", "[]", '{"tensors": [{"layer": 1}]}'])
def test_what_is_no_report_of_quantisation_is_named(content, tmp_path):
    (tmp_path / "q.json").write_text(content)
    with pytest.raises(ValueError, match=r"q\.json: no report of quantisation"):
        report.read_errors(tmp_path / "q.json")


@pytest.mark.slow
def test_the_command_writes_the_page(network, tmp_path, monkeypatch, capsys):
    network.save(tmp_path / "n.net")
    rows = [{"layer": 1, "tensor": "s", "snr_db": None}]
    rows[0] |= {"overflows": 0, "overflow_share": 0.0}
    (tmp_path / "q.json").write_text(json.dumps({"tensors": rows}))
    soundfile.write(tmp_path / "x.wav", np.sin(np.arange(400) / 9) / 2, 16000)
    arguments = ("--audio", "x.wav", "--quantisation", "q.json", "--limit", "9")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(
        sys, "argv", ["", "report", "n.net", "-o", "r.html", *arguments]
    )
    with pytest.raises(SystemExit, match="0"):
        main()
    assert re.fullmatch(
        r"report: r\.html, [\d,]+ bytes; open it in a browser\n",
        capsys.readouterr().out,
    )
    page = (tmp_path / "r.html").read_text("utf-8")
    assert len(headings(page)) == 6
    assert len(inlined(page, "audio/flac")) == 2
    assert "mean over 9 tokens" in page
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        *("n.net", "q.json", "r.html", "x.wav")
    ]


def test_a_bar_in_a_notebook_is_drawn_in_place(monkeypatch):
    shown = pytest.importorskip("IPython.display")
    drawn = []

    class Handle:
        def update(self, thing):
            drawn.append(("update", thing.data))

    def display(thing, display_id):
        drawn.append(("display", thing.data))
        return Handle()

    monkeypatch.setattr(shown, "display", display)
    monkeypatch.setattr(progress, "DRAW_SECONDS", 0)
    with progress.bar("a<b", Console(force_jupyter=True)) as tell:
        tell(1, 2)
        tell(2, 2)
    assert [how for how, _ in drawn] == ["display", "update"]
    assert drawn[1][1] == ('a&lt;b <progress value="2" max="2"></progress> 2 of 2')


@pytest.mark.parametrize("lines", [True, False])
def test_where_there_is_no_room_for_a_bar_there_are_lines(lines, monkeypatch):
    monkeypatch.setattr(progress, "LINE_SECONDS", 0)
    text = io.StringIO()
    with progress.bar("things", Console(file=text), lines) as tell:
        tell(1000, 2000)
    assert text.getvalue() == ("things: 1,000 of 2,000\n" if lines else "")


def test_what_comes_now_is_a_line_where_there_is_no_bar():
    text = io.StringIO()
    with progress.bar("things", Console(file=text)) as tell:
        for done in (0, 1, 1):
            tell(done, 2, "abc"[done])
        tell(2, 2)
    assert text.getvalue() == "things, a: 0 of 2\nthings, b: 1 of 2\nthings: 2 of 2\n"


def test_colours_asked_of_a_pipe_make_no_bar_of_it():
    text = io.StringIO()
    screen = Console(file=text, force_terminal=True, highlight=False)
    with progress.bar("things", screen) as tell:
        tell(1, 2, "a")
    assert text.getvalue() == "things, a: 1 of 2\n"
