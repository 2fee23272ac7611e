# SPDX-License-Identifier: BSD-3-Clause
"""Trials on ray: as many at once as there are cores, dead ones begun again.

ray's tasks are all that is needed: nothing is searched, no trial is stopped for being
bad, and a training keeps its own checkpoints. `ray.tune` would bring schedulers and
checkpoints of its own, and pandas, for the same.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from lava_sparse_rnn import messages
from lava_sparse_rnn.files import named, replacing
from lava_sparse_rnn.loihi2 import as_coefficients
from lava_sparse_rnn.openmp import wait_briefly
from lava_sparse_rnn.study.config import StudyConfig
from lava_sparse_rnn.study.estimates import is_by
from lava_sparse_rnn.study.table import TABLE, Row, write_table
from lava_sparse_rnn.study.trial import check_settings, done, failed, log, run_trial
from lava_sparse_rnn.study.trials import Trial, trials

STUDY = "study.json"
ENVIRONMENT = {
    "RAY_USAGE_STATS_ENABLED": "0",  # nothing is reported to others
    # A busy machine may need minutes to start ray, and a worker to import torch.
    "RAY_raylet_start_wait_time_s": "300",
    "RAY_worker_register_timeout_seconds": "300",
}
"""Of ray's processes, unless it is set already; read when ray is imported."""

STORE = 100 * 2**20  # bytes of ray's shared memory: only names and rows travel


def run(
    study: StudyConfig,
    address: str | None = None,
    workers: int | None = None,
    note: Callable[[str], None] = print,
) -> list[Row]:
    """Run what is left of a study.

    Parameters
    ----------
    study : StudyConfig
        One that was stopped goes on: trials that are done are not run again, those
        that had begun go on from their checkpoints, those that failed try again. What
        was estimated by other coefficients is estimated anew.
    address : str, optional
        Of a ray cluster whose machines share the study's folder; by default this
        machine alone.
    workers : int, optional
        Trials at once, of one core each; by default as many as there are cores.
    note : callable
        Told what happens.

    Returns
    -------
    list of Row
        Of all trials that are done or have failed, in the order of the study. The
        same are in ``table.csv`` and ``table.parquet`` of the study's folder, written
        anew whenever a trial ends.

    Raises
    ------
    ImportError
        Without ray or pyarrow.
    ValueError
        For settings that make no study, or that trainings in its folder cannot go on
        with; then nothing was written.
    """
    messages.require("study", "study", "ray", "pyarrow")
    wanted = trials(study)
    rows = {t.name: row for t in wanted if (row := done(t)) is not None}
    _check_settings(study, [t for t in wanted if t.name not in rows])
    left = _left(study, wanted, rows)
    with named(study.directory):
        study.directory.mkdir(parents=True, exist_ok=True)
    with replacing(study.directory / STUDY) as temporary:
        temporary.write_text(study.model_dump_json(indent=1) + "\n", "utf-8")
    note(_begins(study, wanted, rows, left))
    ended = len(wanted) - len(left)
    if left:
        with _ray(address, workers) as ray:
            for row in _rows(ray, study, left, workers):
                rows[row.trial] = row
                ended += 1
                write_tables(study, wanted, rows)
                note(f"[{ended}/{len(wanted)}] {_told(row)}")
    write_tables(study, wanted, rows)
    if missing := len(wanted) - ended:
        note(f"the budget is spent: {missing} trials are left for another call")
    return [rows[t.name] for t in wanted if t.name in rows]


def _check_settings(study: StudyConfig, begun: list[Trial]) -> None:
    """Refuse settings with which not all of the study could go on."""
    for trial in begun:
        try:
            check_settings(trial)
        except ValueError as error:
            raise ValueError(
                f"trial {trial.name}: {error} (name={study.name}-2 is a study in a "
                "folder of its own)"
            ) from None


def _left(study: StudyConfig, wanted: list[Trial], rows: dict[str, Row]) -> list[Trial]:
    """Trials that are not done, or whose estimates are by other coefficients."""
    asked = as_coefficients(study.coefficients)
    return [t for t in wanted if t.name not in rows or not is_by(rows[t.name], asked)]


def _begins(
    study: StudyConfig, wanted: list[Trial], rows: dict[str, Row], left: list[Trial]
) -> str:
    text = f"{len(wanted)} trials, {len(rows)} of them done"
    if stale := sum(trial.name in rows for trial in left):
        text += f"; {stale} are estimated anew, by coefficients of {study.coefficients}"
    return text


def write_tables(study: StudyConfig, wanted: list[Trial], rows: dict[str, Row]) -> None:
    """The table so far, in the order of the study."""
    ordered = [rows[t.name] for t in wanted if t.name in rows]
    path = study.directory / TABLE
    write_table(ordered, path)
    write_table(ordered, path.with_suffix(".parquet"))


def _told(row: Row) -> str:
    if row.status == "failed":
        return f"{row.trial}: failed: {row.error}"
    if row.error is not None:
        return f"{row.trial}: {row.error}"
    scores = (("float", row.float_score), ("integers", row.integer_score))
    found = "  ".join(f"{n} {v:.2f}" for n, v in scores if v is not None)
    return f"{row.trial}: {found}  {row.macs:,.0f} MACs  {row.training_s:.0f} s"


def _rows(
    ray: Any, study: StudyConfig, left: list[Trial], workers: int | None
) -> Iterator[Row]:
    """Rows as trials end; a trial begins when a core is free, within the budget."""
    task = ray.remote(_trial).options(num_cpus=1, max_retries=study.retries)
    ends = time.monotonic() + 3600 * (study.budget.hours or float("inf"))
    waiting = list(reversed(left[: study.budget.trials]))
    running: dict[Any, Trial] = {}
    while waiting or running:
        room = workers or max(int(ray.cluster_resources().get("CPU", 1)), 1)
        while waiting and len(running) < room and time.monotonic() < ends:
            trial = waiting.pop()
            running[task.remote(trial, study.coefficients, os.getcwd())] = trial
        if not running:
            return
        ready, _ = ray.wait(list(running), num_returns=1)
        for ref in ready:
            trial = running.pop(ref)
            try:
                yield ray.get(ref)
            except ray.exceptions.RayError as error:
                yield failed(trial, error)


def _trial(trial: Trial, coefficients: str, folder: str) -> Row:
    """What a worker does; paths of the study are relative to where it was started."""
    import ray

    os.chdir(folder)
    trial.directory.mkdir(parents=True, exist_ok=True)
    node = ray.get_runtime_context().get_node_id()
    log(trial.directory)(f"host {socket.gethostname()}, node {node}")
    return run_trial(trial, coefficients)


@contextmanager
def _ray(address: str | None, workers: int | None) -> Iterator[Any]:
    wait_briefly(os.environ)
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    import ray

    if ray.is_initialized():
        yield ray
        return
    local = {
        "num_cpus": workers,
        "include_dashboard": False,
        "object_store_memory": STORE,
    }
    ray.init(
        address=address or "local",
        log_to_driver=False,
        **({} if address else local),  # type: ignore[arg-type]
    )
    try:
        yield ray
    finally:
        ray.shutdown()
