# SPDX-License-Identifier: BSD-3-Clause
"""docs/own_task.md: what stands there is run, with fewer steps."""

import re
import shlex
from pathlib import Path

import numpy as np
import pytest

from lava_sparse_rnn import loihi2, spec

PAGE = (Path(__file__).parents[2] / "docs" / "own_task.md").read_text("utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def commands():
    """Words after ``lava-sparse-rnn`` of every command of the page, by their first."""
    lines = re.sub(r"\\\n\s+", " ", PAGE).splitlines()
    for line in lines:
        if line.startswith("    ") and "lava-sparse-rnn" in line:
            yield shlex.split(line.partition("lava-sparse-rnn ")[2], comments=True)


@pytest.mark.slow
def test_what_the_page_says_works(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {}
    exec(BLOCKS[0], names)
    (tmp_path / "mine.py").write_text(BLOCKS[2])
    bits = np.random.default_rng(0).integers(0, 2, 1600)
    (tmp_path / "bits.txt").write_text("".join(map(str, bits)))
    seen = []
    for words in commands():
        if words[0] == "train":
            quick = (
                "steps=8",
                "validate_every=8",
                "quantize.steps=2",
                "precision=float32",
            )
            small = ("model.d_model=8", "model.d_state=8", "model.hippo_blocks=2")
            few = [w for w in words if not w.startswith(("steps=", "quantize.steps="))]
            words = [*few, *quick, *(small if "mine:Mine" in words[1] else ())]
        code, _, error = command(*words)
        assert code == 0, (words, error)
        seen.append(words[0])
    assert seen == ["train", "evaluate", "estimate", "deploy", "export-c", *seen[5:]]
    assert seen[5:] == ["train", "evaluate", "estimate"]
    exec(BLOCKS[1], names)
    assert names["answers"].shape == (100, 2)
    assert loihi2.load_bundle("tones.bundle").manifest.network.head == "mean"
    mine = spec.load("runs/Mine/Mine.net")
    assert mine.meta["task"] == "mine:Mine"
    assert mine.meta["settings"]["window"] == 12
    assert mine.d_in == 1
