# SPDX-License-Identifier: BSD-3-Clause
"""What a release says of itself is the same everywhere."""

import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
import yaml

import lava_sparse_rnn

ROOT = Path(__file__).parents[1]
RELEASES = re.findall(r"^## (\d\S*)", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.M)
"""Those with a section, the newest first."""

BUILD = """
import sys, scikit_build_core.build as backend
settings = {"wheel.cmake": "false"}
print(backend.build_sdist(sys.argv[1], settings))
print(backend.build_wheel(sys.argv[1], settings))
"""


def git(*command, cwd=ROOT):
    """What git says; the caller's settings do not matter."""
    own = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    names = ("-c", "user.name=nobody", "-c", "user.email=nobody@localhost")
    done = subprocess.run(
        ("git", *names, *command),
        cwd=cwd,
        env={**os.environ, **own},
        capture_output=True,
        text=True,
    )
    return done.stdout


def built(tree, into):
    """Names of the sdist and of the wheel without compiled parts of a tree."""
    into.mkdir()
    command = [sys.executable, "-W", "ignore", "-c", BUILD, into]
    done = subprocess.run(command, cwd=tree, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return [
        re.match(r"lava_sparse_rnn-(.+?)(-py|-cp|\.tar)", n)[1]
        for n in done.stdout.split()[-2:]
    ]


@pytest.fixture
def tree(tmp_path):
    """What the build reads, and no history."""
    made = tmp_path / "tree"
    (made / "lava_sparse_rnn").mkdir(parents=True)
    (made / "data").mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, made)
    shutil.copy(ROOT / "lava_sparse_rnn/__init__.py", made / "lava_sparse_rnn")
    return made


def test_the_version_is_written_nowhere_but_in_tags():
    assert lava_sparse_rnn.__version__ == importlib.metadata.version("lava-sparse-rnn")
    project = (ROOT / "pyproject.toml").read_text("utf-8")
    assert not re.search(r"^version\s*=", project, re.M)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("git") is None, reason="there is no git")
def test_tags_give_the_version_and_a_build_needs_none(tree, tmp_path):
    assert built(tree, tmp_path / "bare") == ["0.0", "0.0"]
    git("init", "-q", cwd=tree)
    git("add", ".", cwd=tree)
    git("commit", "-qm", "first", cwd=tree)
    for version in built(tree, tmp_path / "untagged"):
        assert re.fullmatch(r"0\.1\.dev\d+\+g[0-9a-f]+(\.d\d+)?", version)
    git("tag", "v1.2.3", cwd=tree)
    assert built(tree, tmp_path / "tagged") == ["1.2.3", "1.2.3"]

    with tarfile.open(tmp_path / "tagged" / "lava_sparse_rnn-1.2.3.tar.gz") as sdist:
        # Later Pythons ask for a filter, old ones have none.
        kept = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
        sdist.extractall(tmp_path / "sdist", **kept)
    (unpacked,) = (tmp_path / "sdist").iterdir()
    assert built(unpacked, tmp_path / "from_sdist") == ["1.2.3", "1.2.3"]


def test_the_newest_release_is_the_same_everywhere():
    """In the list of changes, in the citation, and in the tag of this state."""
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    assert cited.get("version") == next(iter(RELEASES), None)
    assert ("version" in cited) == ("date-released" in cited)
    if shutil.which("git"):
        tags = git("tag", "--points-at", "HEAD", "v[0-9]*").split()
        assert set(tags) <= {f"v{release}" for release in RELEASES[:1]}


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
