# SPDX-License-Identifier: BSD-3-Clause
"""Time the engine beside other runtimes, in one process, taking turns.

    uv run --group benchmarks python benchmarks/engine.py OUT.md \\
        [--net FILE] [--rounds 25] [--only step,bulk] [--plot OUT.png]

Every contender runs once per round, so that what else the machine does hits all of
them alike; what counts are the medians, and the ratios more than the times. Beside the
tables OUT.json holds every figure of every round. Peers that are not installed are left
out and named. Everything has one thread unless its name says otherwise.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import numpy as np
from engine_cases import CASES, Case, Row, network_of
from engine_plot import plot

from lava_sparse_rnn import spec
from lava_sparse_rnn.files import replacing
from lava_sparse_rnn.spec import statistics

# Read by BLAS when numpy is imported. A core type or a cache size that was set for
# another purpose would slow down those that the engine is compared with.
SINGLE = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
FOREIGN = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")


def with_plain_blas() -> None:
    """Start again unless BLAS chose its kernels itself and has one thread."""
    kept = {name: v for name, v in os.environ.items() if name not in FOREIGN} | SINGLE
    if kept != dict(os.environ):
        os.execve(sys.executable, [sys.executable, *sys.argv], kept)


def cpu() -> str:
    """The processor, as far as the system tells."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = {s.split(":")[1].strip() for s in lines if s.startswith("model name")}
    return ", ".join(sorted(names)) or platform.processor() or platform.machine()


def versions() -> str:
    """What is compared with, and which version of it."""
    parts = []
    for name in ("numpy", "scipy", "torch", "onnxruntime"):
        try:
            parts.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            continue
    return ", ".join(parts)


def sizes(network: spec.Network) -> str:
    """A network in a few words."""
    zeros = f"{statistics.sparsity(network):.0%} of the weights are zero"
    blocks = [b for b in network.layers if isinstance(b, spec.S5Block)]
    if not blocks:
        return f"{network.d_in} in, {network.d_out} out; {zeros}"
    return (
        f"{network.d_in} in, {network.d_out} out, {len(blocks)} blocks of "
        f"{blocks[0].d_model} channels and {blocks[0].d_state} states; {zeros}"
    )


def table(head: list[str], rows: list[list[str]]) -> str:
    """A table in markdown."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _short(value: float) -> str:
    """Three digits, or all of a whole number."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def by_contender(case: Case) -> str:
    """One line per contender: its time, and the ratio to each of the vector kernels.

    Networks stand side by side.
    """
    own = re.compile(r"engine, (avx\w+|neon|dotprod)(, 1 thread)?")
    names = list(case.rows[0].times)
    to = [name for name in names if own.fullmatch(name)]
    head, lines = [""], [[name] for name in names]
    for row in case.rows:
        head.append(f"{row.at}, us")
        head += [f"over {name.removeprefix('engine, ')}" for name in to]
        for name, line in zip(names, lines, strict=True):
            line.append(_short(row.us(name)))
            line += [_short(row.ratio(name, other)) for other in to]
    return table(head, lines)


def by_row(case: Case) -> str:
    """One line per contender, one column per network."""
    rows = [
        [name, *(_short(row.us(name)) for row in case.rows)]
        for name in case.rows[0].times
    ]
    rows += [
        [name, *(f"{row.facts[name]:.2f}" for row in case.rows)]
        for name in case.rows[0].facts
        if name != "x"
    ]
    return table(["", *(row.at for row in case.rows)], rows)


def parts(about: dict, results: dict[str, Case]) -> Iterator[str]:
    """The report, paragraph by paragraph."""
    yield "# Engine benchmark"
    yield (
        f"{about['cpu']}, {about['processors']} processors, load before the run "
        f"{about['load']:.1f}, after it {about['load_after']:.1f}; "
        f"{about['versions']}. {about['networks']}. "
        f"Medians of {about['rounds']} rounds in which the contenders take turns; "
        "ratios are medians of the rounds' ratios."
    )
    for case in results.values():
        yield f"## {case.title}"
        yield by_row(case) if "x" in case.rows[0].facts else by_contender(case)
        yield from case.notes


def as_json(about: dict, results: dict[str, Case]) -> str:
    """All figures, microseconds per token."""
    cases = {
        name: {
            "title": case.title,
            "notes": case.notes,
            "rows": [
                {
                    "at": row.at,
                    "facts": row.facts,
                    "times": {n: np.round(t, 3).tolist() for n, t in row.times.items()},
                }
                for row in case.rows
            ],
        }
        for name, case in results.items()
    }
    return json.dumps({"about": about, "cases": cases}, indent=1) + "\n"


def from_json(text: str) -> tuple[dict, dict[str, Case]]:
    """What `as_json` wrote."""
    read = json.loads(text)
    cases = {
        name: Case(
            case["title"],
            [Row(row["at"], row["times"], row["facts"]) for row in case["rows"]],
            case["notes"],
        )
        for name, case in read["cases"].items()
    }
    return read["about"], cases


def measure(options: argparse.Namespace, names: list[str]) -> tuple[dict, dict]:
    """Run the cases that were asked for."""
    networks = {"random": network_of()}
    if options.net:
        networks[options.net.stem] = spec.load(options.net)
    about = {
        "cpu": cpu(),
        "processors": os.cpu_count(),
        "versions": versions(),
        "network": sizes(networks["random"]),
        "networks": ". ".join(f"{name}: {sizes(n)}" for name, n in networks.items()),
        "rounds": options.rounds,
        "load": os.getloadavg()[0],
    }
    results = {name: CASES[name](networks, options.rounds) for name in names}
    about["load_after"] = os.getloadavg()[0]
    return about, results


def main() -> None:
    """Write tables and figures to the paths given, and show the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "out", type=Path, help="markdown; OUT.json is written beside it"
    )
    parser.add_argument(
        "--net", type=Path, help="a .net file beside the random one: step, bulk, batch"
    )
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument("--only", default=",".join(CASES), help="comma-separated")
    parser.add_argument("--plot", type=Path, help="a picture of all cases")
    parser.add_argument(
        "--again", action="store_true", help="from OUT.json, without measuring"
    )
    options = parser.parse_args()
    names = options.only.split(",")
    if unknown := [name for name in names if name not in CASES]:
        parser.error(f"--only: {unknown[0]!r}, must be of {', '.join(CASES)}")
    figures = options.out.with_suffix(".json")
    if options.again:
        about, results = from_json(figures.read_text())
    else:
        about, results = measure(options, names)
    text = "\n\n".join(parts(about, results)) + "\n"
    for path, content in ((figures, as_json(about, results)), (options.out, text)):
        with replacing(path) as temporary:
            temporary.write_text(content)
    if options.plot:
        plot(about, results, options.plot)
    print(text)


if __name__ == "__main__":
    with_plain_blas()
    main()
