# SPDX-License-Identifier: BSD-3-Clause
"""Lava's own tests, which its wheel ships, with networks in one process.

    python tests/inline/lava_suite.py                  # magma and proc, both runtimes
    python tests/inline/lava_suite.py --inline magma/runtime   # some, ours only

Tests that pass under Lava's own runtime have to pass. `EXCEPT` names those that test
operating-system processes themselves.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from pathlib import Path

import lava

SITE = Path(lava.__path__[0]).parent
BOTH = ["magma", "proc"]

# test: why it need not pass
MESSAGE = (
    "it expects a RuntimeError that counts exceptions in processes; here the model's "
    "own exception is raised"
)
EXCEPT = {
    "test_exception_handling.TestExceptionHandling.test_one_pm": MESSAGE,
    "test_exception_handling.TestExceptionHandling.test_two_pm": MESSAGE,
    "test_exception_handling.TestExceptionHandling.test_three_pm": MESSAGE,
}

# In this folder lie modules that would take the place of Python's own.
MAIN = """
import sys
del sys.path[0]
{install}
import pytest
sys.exit(pytest.main(sys.argv[1:]))
"""
INSTALL = "from lava_sparse_rnn import inline; inline.install()"


def outcomes(paths: list[str], inline: bool, timeout: float) -> dict[str, str]:
    """What has become of each test: passed, failed or skipped."""
    main = MAIN.format(install=INSTALL if inline else "")
    with tempfile.TemporaryDirectory() as folder:
        report, log = Path(folder, "report.xml"), Path(folder, "log")
        command = [sys.executable, "-c", main, *(f"tests/lava/{p}" for p in paths)]
        command += ["-c", os.devnull, "--rootdir", ".", "--import-mode=prepend"]
        command += ["-q", "-p", "no:cacheprovider", f"--junitxml={report}"]
        with log.open("wb") as out:
            # What Lava leaves behind dies with the group, and holds no pipe of ours.
            child = subprocess.Popen(
                command, cwd=SITE, stdout=out, stderr=out, start_new_session=True
            )
            try:
                child.wait(timeout)
            finally:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(child.pid, 9)
        if not report.exists():
            raise SystemExit(log.read_text("utf-8", "replace")[-4000:])
        return dict(_cases(report))


def _cases(report: Path):
    for case in ET.parse(report).iter("testcase"):
        module = case.get("classname", "").removeprefix("tests.lava.")
        found = {child.tag for child in case}
        outcome = "passed"
        if found & {"failure", "error"}:
            outcome = "failed"
        elif "skipped" in found:
            outcome = "skipped"
        yield f"{module}.{case.get('name')}", outcome


def excepted(test: str) -> str | None:
    """Why a test need not pass, or None if it has to."""
    for name, reason in EXCEPT.items():
        if test.endswith(name):
            return reason
    return None


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("paths", nargs="*", default=BOTH, help="below tests/lava")
    parser.add_argument("--inline", action="store_true", help="ours only")
    parser.add_argument("--timeout", type=float, default=1800.0, help="seconds")
    args = parser.parse_args()
    ours = outcomes(args.paths, True, args.timeout)
    theirs = ours if args.inline else outcomes(args.paths, False, args.timeout)
    failed = [t for t, outcome in sorted(ours.items()) if outcome == "failed"]
    lost = [t for t in failed if args.inline or theirs.get(t) == "passed"]
    for test in failed:
        passes = "" if args.inline else f", {theirs.get(test)} under Lava's runtime"
        print(f"FAILED {test}{passes}: {excepted(test) or 'no reason known'}")
    for name, counts in (("inline", ours), ("processes", theirs)):
        passed = sum(outcome == "passed" for outcome in counts.values())
        print(f"{name}: {passed} of {len(counts)} pass")
    return int(any(excepted(test) is None for test in lost))


if __name__ == "__main__":
    sys.exit(main())
