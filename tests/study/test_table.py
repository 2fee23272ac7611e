# SPDX-License-Identifier: BSD-3-Clause
"""Rows, their files, and what is said of them."""

from pathlib import Path

import numpy as np
import pytest

from lava_sparse_rnn.study import Row, Study, StudyConfig, read_table, write_table
from lava_sparse_rnn.study.compare import savings, sizes
from lava_sparse_rnn.study.plots import draw, mean_of
from lava_sparse_rnn.study.report import report

DOCS = Path(__file__).parents[2] / "docs"
STUDY = StudyConfig.model_validate(
    {
        "name": "tiny",
        "task": "arrays",
        "steps": 10,
        "samples": 50,
        "families": {
            "dense": {"widths": [1, 2, 4]},
            "gelu": {"widths": [1, 2], "activation": "gelu"},
            "sparse": {"widths": [2, 4], "sparsity": 0.9},
            "slice": {"sparsity": [0.5, 0.9], "equal_weights": True},
            "bits": {"bits": ["w8a16", "w8a8"]},
        },
        "compare": [
            {"sparse": "sparse", "dense": "dense"},
            {"sparse": "sparse", "dense": "gelu"},
        ],
    }
)


def row(family, width, seed=0, score=50.0, macs=100.0, **changes):
    values = {
        "trial": f"{family}-{width}-{seed}", "family": family, "width": width,
        "sparsity": 0.0, "activation": "relu", "bits": "w8a16", "seed": seed,
        "digest": "0", "d_model": 8, "d_state": 8, "figures": "accuracy",
        "float_score": score, "ptq_score": score - 2, "integer_score": score - 1,
        "macs": macs, "kept": int(macs), "silent": 0.25, "weight_bytes": int(macs),
        "chip_bytes": int(9 * macs),
    }  # fmt: skip
    return Row.model_validate(values | changes)


def rows():
    found = [
        row("dense", w, s, score=50 + 10 * np.log2(w) + s, macs=100 * w * w)
        for w in (1, 2, 4)
        for s in (0, 1)
    ]
    found += [
        row("sparse", w, s, score=52 + 10 * np.log2(w) + s, macs=25 * w * w)
        for w in (2, 4)
        for s in (0, 1)
    ]
    none = {"ptq_score": None, "integer_score": None, "chip_bytes": None}
    found += [row("gelu", w, score=90 + w, activation="gelu", **none) for w in (1, 2)]
    found += [row("slice", 1, score=60 - s, sparsity=s / 100) for s in (50, 90)]
    found += [row("bits", 1, bits=bits) for bits in ("w8a16", "w8a8")]
    wrong = {"status": "failed", "error": 'ValueError: a, b\nand "c"'}
    return [*found, row("bits", 2, **wrong)]


def test_csv_gives_back_what_it_was_given(tmp_path):
    path = tmp_path / "table.csv"
    write_table(rows(), path)
    assert read_table(path) == rows()
    assert [p.name for p in tmp_path.iterdir()] == ["table.csv"]


def test_parquet_holds_the_same(tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "table.parquet"
    write_table(rows(), path)
    table = parquet.read_table(path)
    assert [Row.model_validate(values) for values in table.to_pylist()] == rows()
    assert str(table.schema.field("seed").type) == "int64"
    assert str(table.schema.field("macs").type) == "double"
    assert str(table.schema.field("error").type) == "string"


def test_what_is_no_table_is_named(tmp_path):
    path = tmp_path / "other.csv"
    path.write_text("a,b\n1,2\n")
    with pytest.raises(ValueError, match="other.csv: is no table of a study: trial is"):
        read_table(path)


def test_sizes_join_seeds_and_leave_out_what_failed():
    found = sizes(rows())
    assert [len(size.rows) for size in found] == [2] * 5 + [1] * 6
    assert found[0].mean("float_score") == 50.5
    assert [s.first.bits for s in sizes(rows(), "bits")] == ["w8a16", "w8a8"]


def test_savings_of_every_pair_cost_and_score():
    found = {(s.dense, s.score, s.cost): s for s in savings(STUDY, rows())}
    both = found["dense", "integers", "macs"]
    # Scores of sparse are 2 higher at a quarter of the cost: 2 / 10 octaves of width.
    assert both.ratio.mean == pytest.approx(4 * 2**0.4)
    assert both.interval.mean[0] < both.ratio.mean < both.interval.mean[1]
    apart = found["gelu", "float", "macs"]
    assert apart.ratio is None
    assert "sparse reaches 62.50 to 72.50; gelu reaches 92.00 to 92.00" in apart.why
    assert ("gelu", "integers", "macs") not in found  # GELU has no integers


def test_a_pair_without_a_ratio_says_why():
    done = [r for r in rows() if r.family == "dense"]
    wrong = [row("sparse", 2, s, status="failed", error="x") for s in (0, 1)]
    first, second = savings(STUDY, [*done, *wrong])
    assert first.why == "sparse has no trial that is done, 2 failed"
    assert second.why == (
        "sparse has no trial that is done, 2 failed; gelu has no trial that is done, "
        "the table has none of it"
    )
    text = report(STUDY, [*done, *wrong])
    assert "| sparse has no trial that is done, 2 failed |" in text
    scoreless = [r.model_copy(update={"macs": None, "kept": None}) for r in rows()]
    costless = {"weight_bytes": None, "chip_bytes": None, "file_bytes": None}
    found = savings(STUDY, [r.model_copy(update=costless) for r in scoreless])
    assert {s.why for s in found} == {
        "no cost and score are known of all seeds of a size of both"
    }


def test_tables_of_older_versions_are_read():
    for path in sorted(DOCS.glob("study_*.csv")):
        assert "coefficients_digest" not in path.read_text().splitlines()[0]
        study = Study.open(path.with_suffix(".yaml"), path)
        assert "estimates are by coefficients of loihi1, no chip" in study.report()


def test_the_report_says_by_which_coefficients_its_rows_are(tmp_path):
    path = tmp_path / "coef.json"
    path.write_text('{"name": "mine", "source": "a test", "barrier_ns": 100000}')
    study = STUDY.model_copy(update={"coefficients": str(path)})
    text = report(study, [row("dense", 1, coefficients="loihi1")])
    assert "estimates of 1 of 1 rows are by coefficients of loihi1, not by" in text


def test_the_report_says_it_all():
    text = report(STUDY, rows())
    assert "| sparse | dense | integers | effective MACs a token |" in text
    assert "the fronts do not overlap: sparse reaches 62.50 to 72.50" in text
    assert '- bits-2-0: ValueError: a, b\nand "c"' in text
    assert "no chip has run anything" in text
    assert "Failed" not in report(STUDY, rows()[:-1])


def test_a_study_shows_itself():
    study = Study(STUDY, tuple(rows()))
    assert repr(study) == (
        "study.Study(tiny: task arrays, 5 families, 10 steps, "
        f"{len(rows()) - 1} trials done, 1 failed)"
    )
    sizes_shown, ratios = study.tables()
    assert "dense / sparse" in ratios.columns
    assert "95 % of resamples" not in ratios.columns  # they take too long
    page = study._repr_html_()
    for text in (sizes_shown.html(), ratios.html(), "<img alt=", "tiny: task arrays"):
        assert text in page
    none = Study(STUDY, tuple(rows()[-1:]))
    assert "<img" not in none._repr_html_()
    assert none.report().startswith("# Study tiny")


def test_a_study_is_read_with_its_table(tmp_path):
    path = tmp_path / "study.json"
    path.write_text(STUDY.model_copy(update={"runs": tmp_path}).model_dump_json())
    (tmp_path / "tiny").mkdir()
    write_table(rows(), tmp_path / "tiny" / "table.csv")
    study = Study.open(path)
    assert study.rows == tuple(rows())
    assert Study.open(str(path), settings=["steps=11"]).config.steps == 11


@pytest.mark.parametrize(
    ("figures", "label"),
    [
        ("accuracy", "accuracy"),
        ("si_snri_0dB si_snri_10dB", "mean si_snri"),
        ("a b", "mean of a, b"),
    ],
)
def test_an_axis_says_what_a_score_is_the_mean_of(figures, label):
    assert mean_of(figures.split()) == label


@pytest.mark.slow
def test_pictures_are_written_as_png_and_svg(tmp_path):
    written = draw(STUDY, rows(), tmp_path / "new")
    assert sorted(p.name for p in written) == [
        "tiny-fronts.png", "tiny-fronts.svg", "tiny-slices.png", "tiny-slices.svg",
    ]  # fmt: skip
    for path in written:
        assert 1000 < path.stat().st_size < 200_000
        head = path.read_bytes()[:200]
        assert head.startswith(b"\x89PNG") or b"<?xml" in head
    with pytest.raises(ValueError, match="no trial is done"):
        draw(STUDY, rows()[-1:], tmp_path)


def test_columns_are_described():
    columns = Row.model_json_schema()["properties"]
    for column in ("macs", "chip_bytes", "estimated_step_us", "training_s"):
        assert "description" in columns[column]
