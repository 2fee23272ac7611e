# SPDX-License-Identifier: BSD-3-Clause
"""Lava's own tests, which its wheel ships, with networks in one process.

    python tests/inline/lava_suite.py          # magma and proc, under both runtimes
    python tests/inline/lava_suite.py --runtime inline magma/runtime   # some, in one

Every test that passes under Lava's own runtime has to pass inline, by name. `EXCEPT`
names those that test operating-system processes themselves.
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
INLINE, PROCESSES = "inline", "processes"

# test: why it need not pass
MESSAGE = (
    "it expects a RuntimeError that counts exceptions in processes; here the model's "
    "own exception is raised"
)
EXCEPT = {
    "test_exception_handling.TestExceptionHandling.test_one_pm": MESSAGE,
    "test_exception_handling.TestExceptionHandling.test_two_pm": MESSAGE,
    "test_exception_handling.TestExceptionHandling.test_three_pm": MESSAGE,
    "test_ports.TestPyPorts.test_py_in_port_probe": (
        "it gives Lava's own channels 1 ms to bring a message, which a busy machine "
        "takes longer for; it runs no network"
    ),
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


def lost(found: dict[str, dict[str, str]]) -> list[str]:
    """Tests that do not pass inline, though they do or should under Lava's own."""
    ours, theirs = found.get(INLINE), found.get(PROCESSES)
    if ours is None:
        return []
    if theirs is None:
        return [test for test, outcome in ours.items() if outcome == "failed"]
    passed = (test for test, outcome in theirs.items() if outcome == "passed")
    return [test for test in passed if ours.get(test) != "passed"]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("paths", nargs="*", default=BOTH, help="below tests/lava")
    runtimes = (INLINE, PROCESSES)
    parser.add_argument("--runtime", choices=runtimes, help="one of the two")
    parser.add_argument("--timeout", type=float, default=1800.0, help="seconds each")
    args = parser.parse_args()
    found = {}
    for name in (args.runtime,) if args.runtime else runtimes:
        found[name] = outcomes(args.paths, name == INLINE, args.timeout)
        passed = sum(outcome == "passed" for outcome in found[name].values())
        print(f"{name}: {passed} of {len(found[name])} pass", flush=True)
        for test, outcome in sorted(found[name].items()):
            if outcome == "failed":
                print(f"  failed: {test}")
    wrong = False
    for test in sorted(lost(found)):
        reason = excepted(test)
        wrong |= reason is None
        print(f"LOST {test}: {reason or 'no reason known'}")
    return int(wrong)


if __name__ == "__main__":
    sys.exit(main())
