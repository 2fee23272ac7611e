# SPDX-License-Identifier: BSD-3-Clause
"""What a release says of itself is the same everywhere."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml

import lava_sparse_rnn

ROOT = Path(__file__).parents[1]
VERSION = lava_sparse_rnn.__version__


def test_the_version_is_the_same_everywhere():
    project = (ROOT / "pyproject.toml").read_text("utf-8")
    assert re.search(r'^version = "(.*)"', project, re.M)[1] == VERSION
    assert re.fullmatch(r"\d+\.\d+\.\d+", VERSION)


def test_a_tag_of_this_state_is_its_version():
    command = ["git", "tag", "--points-at", "HEAD"]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    except FileNotFoundError:
        pytest.skip("there is no git")
    tags = [tag for tag in done.stdout.split() if re.match(r"v\d", tag)]
    assert set(tags) <= {f"v{VERSION}"}
    if tags:
        changes = (ROOT / "CHANGELOG.md").read_text("utf-8")
        assert f"## {VERSION}" in changes, "a release has its section"


def test_the_citation_is_readable_and_names_the_licence():
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    assert cited["cff-version"] == "1.2.0"
    assert cited["license"] == "BSD-3-Clause"
    assert {"title", "message", "authors"} <= cited.keys()
    project = (ROOT / "pyproject.toml").read_text("utf-8")
    assert cited["abstract"] in project


def test_the_forge_runs_what_is_run_here():
    """Its file only calls .ci/run, so that nothing is said twice."""
    path = ROOT / ".github" / "workflows" / "ci.yml"
    jobs = yaml.safe_load(path.read_text("utf-8"))["jobs"]
    steps = [step for job in jobs.values() for step in job["steps"]]
    assert [step["run"] for step in steps if "run" in step] == ["bash .ci/run"]


def test_templates_of_issues_have_a_head():
    for path in (ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.md"):
        head = yaml.safe_load(path.read_text("utf-8").split("---")[1])
        assert {"name", "about"} <= head.keys(), path
