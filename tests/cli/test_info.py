# SPDX-License-Identifier: BSD-3-Clause
"""``info``: what a file says of its network's task."""

import numpy as np
import pytest

from lava_sparse_rnn import audio, spec


@pytest.mark.parametrize(
    ("front", "words"),
    [
        (
            {"n_fft": 64, "hop_length": 16},
            "16000 Hz, window 64 samples (4 ms), hop 16 (1 ms), 33 bins, lookahead 0 "
            "tokens, sound 64 samples (4 ms) late",
        ),
        (
            {"linear_bins": 65, "erb_bands": 64, "lookahead": 1},
            "16000 Hz, window 512 samples (32 ms), hop 128 (8 ms), 65 linear bins + "
            "64 ERB bands (of 257 bins), lookahead 1 tokens, sound 640 samples (40 ms) "
            "late",
        ),
        (
            {"n_fft": 64, "hop_length": 16, "strength": 30},
            "16000 Hz, window 64 samples (4 ms), hop 16 (1 ms), 33 bins, lookahead 0 "
            "tokens, sound 64 samples (4 ms) late, 30 dB at most",
        ),
    ],
)
def test_info_names_the_front_end(command, tmp_path, front, words):
    made = spec.random_network(np.random.default_rng(0), d_in=3)
    meta = audio.FrontEnd(**front, feature_mean=2.5).metadata() | {"of": "x"}
    spec.Network(made.layers, made.recipe, meta).save(tmp_path / "n.net")
    _, text, _ = command("info", tmp_path / "n.net")
    *_, task, of, front_end, feature = text.splitlines()
    assert (task, of) == ("task: denoise", "of: x")
    assert front_end == f"front end: {words}"
    assert feature == "feature: 1 * (log(1 + 100 |X|) - 2.5)"


def test_info_tells_of_a_running_level(command, tmp_path):
    made = spec.random_network(np.random.default_rng(0), d_in=3)
    meta = audio.FrontEnd(level_s=1.5).metadata()
    spec.Network(made.layers, made.recipe, meta).save(tmp_path / "n.net")
    _, text, _ = command("info", tmp_path / "n.net")
    *_, front_end, feature = text.splitlines()
    assert "257 bins at the running level of 1.5 s, lookahead 0" in front_end
    assert feature == "feature: 1 * (log(1 + 5.62341 |X| / level) - 0)"


def test_info_tells_of_contrasts(command, tmp_path):
    made = spec.random_network(np.random.default_rng(0), d_in=3)
    meta = audio.FrontEnd(floor_rise=5.0).metadata()
    spec.Network(made.layers, made.recipe, meta).save(tmp_path / "n.net")
    _, text, _ = command("info", tmp_path / "n.net")
    *_, front_end, feature = text.splitlines()
    wanted = (
        "257 bins, their heights above floors that rise 5 dB/s, their changes, look"
    )
    assert wanted in front_end
    assert feature == "feature: 1 * (log(1 + 100 |X|) - 0)"


@pytest.mark.parametrize(
    ("meta", "lines"),
    [
        (
            {"head": "mean", "classes": ["a", "b"], "task": "x", "settings": {"n": 1}},
            ["task: x", "classes: a, b", "head: mean", "settings: n 1"],
        ),
        ({}, []),
        ({"a\x1b[31m": "b\nc", "e": []}, ["'a\\x1b[31m': 'b\\nc'", "e: none"]),
        ({"long": "x" * 999}, ["long: " + "x" * 396 + " ..."]),
        (
            audio.FrontEnd().metadata() | {"n_fft": 2**40, "hop_length": 2**30},
            [
                "n_fft: 1099511627776",
                "sample_rate: 16000",
                "window: sqrt_hann_periodic",
            ],
        ),
    ],
)
def test_info_shows_what_a_file_says_of_any_task(command, tmp_path, meta, lines):
    made = spec.random_network(np.random.default_rng(0), d_in=3)
    spec.Network(made.layers, made.recipe, meta).save(tmp_path / "n.net")
    _, text, _ = command("info", tmp_path / "n.net")
    shown = text.partition("arithmetic: ")[2].splitlines()[1:]
    assert shown[-len(lines) :] == lines if lines else not shown
