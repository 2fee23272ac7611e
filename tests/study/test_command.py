# SPDX-License-Identifier: BSD-3-Clause
"""``lava-sparse-rnn study``, called as a user calls it; nothing is trained."""

import importlib.util
from pathlib import Path

import pytest
import yaml

from lava_sparse_rnn.study import (
    Row,
    StudyConfig,
    read_study,
    read_table,
    trials,
    write_table,
)
from lava_sparse_rnn.study.config import Family

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture
def file(values, tmp_path):
    path = tmp_path / "tiny.yaml"
    values["compare"] = [{"sparse": "sparse", "dense": "dense"}]
    path.write_text(yaml.safe_dump(values))
    return path


def made_up(file, path):
    """Rows as if all trials of a study were done."""
    rows = [
        Row(
            **{n: getattr(t, n) for n in ("family", "width", "sparsity", "activation")},
            **{n: getattr(t, n) for n in ("bits", "seed", "digest")},
            trial=t.name,
            figures="accuracy",
            float_score=50 + i,
            integer_score=49 + i,
            macs=100.0 + i,
            kept=100 + i,
            silent=0.5,
        )
        for i, t in enumerate(trials(read_study(file)))
    ]
    write_table(rows, path)


def test_trials_are_named_before_they_are_run(command, file, tmp_path):
    code, out, _ = command("study", "run", file, "--show", "seeds=[4]")
    assert code == 0
    assert out.split() == [
        "dense-w0.5-s0-relu-w8a16-4",
        "dense-w1-s0-relu-w8a16-4",
        "sparse-w2-s80-relu-w8a16-4",
    ]
    assert not (tmp_path / "tiny").exists()


def test_a_wrong_study_is_one_line(command, file):
    code, out, err = command("study", "run", file, "families.dense.widht=[1]")
    assert (code, out) == (1, "")
    known = ", ".join(Family.model_fields)
    assert err.strip().endswith(
        "tiny.yaml: families.dense.widht is not known, did you mean "
        f"families.dense.widths? (known: {known})"
    )
    assert err.count("\n") == 1
    code, _, err = command("study", "run", file, "--workers", "0")
    assert (code, "must be at least 1" in err) == (1, True)


def test_a_table_is_shown(command, file, tmp_path):
    table, report = tmp_path / "rows.csv", tmp_path / "report.md"
    made_up(file, table)
    code, out, _ = command("study", "show", file, "--table", table)
    assert code == 0
    assert "the fronts do not overlap: sparse reaches 51.00 to 51.00" in out
    assert "no chip has run anything" in out
    code, out, _ = command("study", "show", file, "--table", table, "-o", report)
    assert (code, out.strip()) == (0, f"report: {report}")
    assert report.read_text().startswith("# Study tiny\n")


def test_trials_that_failed_are_an_exit_status(command, file, monkeypatch, tmp_path):
    from lava_sparse_rnn.study import workers

    made_up(file, tmp_path / "rows.csv")
    rows = read_table(tmp_path / "rows.csv")
    monkeypatch.setattr(workers, "run", lambda *_: rows)
    code, out, err = command("study", "run", file)
    assert (code, err) == (0, "")
    assert out.startswith("3 trials done, 0 failed: ")
    rows[1] = rows[1].model_copy(update={"status": "failed", "error": "x"})
    code, out, err = command("study", "run", file)
    assert code == 1
    assert out.startswith("2 trials done, 1 failed: ")
    folder = tmp_path / "tiny" / "trials"
    assert " ".join(err.split()) == (
        "error: of 3 trials 1 failed: dense-w1-s0-relu-w8a16-0; their errors are in "
        f"the table, where they came from in {folder}/NAME/error.txt"
    )
    rows[2] = rows[2].model_copy(update={"error": "estimates are still by a: x"})
    code, _, err = command("study", "run", file)
    assert (code, "1 failed and 1 could not be estimated anew: " in err) == (1, True)


def test_a_study_without_a_table_says_so(command, file, tmp_path):
    code, _, err = command("study", "show", file)
    assert code == 1
    assert f"{tmp_path}/tiny/table.csv: no such table; `study run" in err


def test_without_ray_everything_but_running_works(command, file, monkeypatch):
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda n: None if n == "ray" else found(n)
    )
    code, _, err = command("study", "run", file)
    assert code == 1
    assert "lava_sparse_rnn.study: ray is not installed; run `uv sync --extra st" in err
    assert command("study", "run", file, "--show")[0] == 0


@pytest.mark.slow
def test_pictures_are_drawn(command, file, tmp_path):
    table = tmp_path / "rows.csv"
    made_up(file, table)
    code, out, _ = command("study", "plot", file, tmp_path / "new", "--table", table)
    assert code == 0
    assert out.count("picture: ") == len(list((tmp_path / "new").iterdir())) == 4


@pytest.mark.parametrize(
    "path", sorted(DOCS.glob("study_*.yaml")), ids=lambda p: p.stem
)
def test_the_documents_studies_are_studies(path):
    study = read_study(path)
    found = trials(study)
    kinds = {(t.family, t.width) for t in found if t.family in ("dense_relu", "sparse")}
    assert len(kinds) == 12
    assert study.name == path.stem.removeprefix("study_")
    assert isinstance(study, StudyConfig)
