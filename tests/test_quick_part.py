# SPDX-License-Identifier: BSD-3-Clause
"""The quick part of the tests is what is not marked slow, wherever it is run."""

import re
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

ROOT = Path(__file__).parents[1]


def test_it_is_chosen_by_one_marker():
    text = (ROOT / "pyproject.toml").read_text("utf-8")
    (markers,) = re.findall(r"^markers = \[\n(.*?)^\]", text, re.M | re.S)
    assert re.findall(r'^    "(\w+):', markers, re.M) == ["slow"]
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / ".ci" / "run"]
    pages += (ROOT / "docs").glob("*.md")
    chosen = {
        page.name: set(re.findall(r"""-m ["']((?:not )?slow[^"']*)["']""", text))
        for page in pages
        if (text := page.read_text("utf-8"))
    }
    assert chosen["README.md"] == {"not slow"}
    assert set.union(*chosen.values()) == {"not slow"}


@settings(max_examples=40)
@given(st.integers(-9, 9))
def test_of_a_property(number):
    assert abs(number) < 10


def test_it_draws_fewer_examples(pytestconfig):
    found = test_of_a_property._hypothesis_internal_use_settings.max_examples
    assert found == (12 if pytestconfig.getoption("-m") == "not slow" else 40)
