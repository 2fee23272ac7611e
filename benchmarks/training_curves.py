# SPDX-License-Identifier: BSD-3-Clause
"""The picture of what trainings watched on their way, axes for each figure.

python benchmarks/training_curves.py runs/mine "dense=runs/twin" -o curves.png
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

from lava_sparse_rnn.pictures import COLORS, MARKERS, figure, save

# What every row has, beside the figures that are watched.
SETTINGS = ("step", "loss", "lr", "grad_norm", "seconds_per_step", "sparsity")

Curve = tuple[
    str, dict[str, list[tuple[int, float]]]
]  # a name, (step, value) by figure


def curve(given: str) -> Curve:
    """What the float stage of a run watched; `given` is a folder, or NAME=FOLDER.

    Raises
    ------
    SystemExit
        When no validation is in it.
    """
    name, _, folder = given.rpartition("=")
    path = Path(folder) / "float.csv"
    if not path.is_file():
        raise SystemExit(f"{path} does not exist; give the folder of a run")
    found: dict[str, list[tuple[int, float]]] = {}
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            for key, value in row.items():
                if key not in SETTINGS and value:
                    found.setdefault(key, []).append((int(row["step"]), float(value)))
    if not found:
        raise SystemExit(f"{path} has no validation")
    return name or Path(folder).name, found


def plot(curves: list[Curve], label: str, path: Path) -> None:
    """A line for each run, axes for each figure."""
    figures = list(dict.fromkeys(key for _, found in curves for key in found))
    made = figure(4.6 * len(figures), 3.2)
    axes = made.subplots(1, len(figures), squeeze=False)[0]
    for ax, key in zip(axes, figures, strict=True):
        for i, (name, found) in enumerate(curves):
            steps, values = zip(*found.get(key, [(float("nan"),) * 2]), strict=True)
            look = {"color": COLORS[i % len(COLORS)], "marker": MARKERS[i % 7]}
            ax.plot(steps, values, label=name, markersize=3, linewidth=1, **look)
        ax.set_title(label.format(key), loc="left", fontsize="medium")
        ax.set_xlabel("step of the float training, thousands")
        ax.xaxis.set_major_formatter(lambda x, _: f"{x / 1000:g}")
        ax.grid(alpha=0.3)
        ax.spines[["top", "right"]].set_visible(False)
    made.legend(
        *axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=4
    )
    save(made, path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("runs", nargs="+", help="folder of a run, or NAME=FOLDER")
    parser.add_argument("--label", default="{}", help="above axes; {} is the figure")
    parser.add_argument("-o", "--output", type=Path, required=True, help="PNG or SVG")
    args = parser.parse_args()
    plot([curve(run) for run in args.runs], args.label, args.output)


if __name__ == "__main__":
    main()
