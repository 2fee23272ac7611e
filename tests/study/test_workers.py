# SPDX-License-Identifier: BSD-3-Clause
"""Trials on ray: dead workers, two nodes, what is left of a study. One ray for all."""

import os
import re
import signal
import threading

import pytest

from lava_sparse_rnn.study import StudyConfig, read_table, run, trials, workers

os.environ.update(workers.ENVIRONMENT, RAY_worker_niceness="0")
ray = pytest.importorskip("ray")
pytest.importorskip("pyarrow")
Cluster = pytest.importorskip("ray.cluster_utils").Cluster

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def cluster():
    """Two nodes with a core each, on this machine."""
    patch = pytest.MonkeyPatch()
    patch.setenv("OMP_NUM_THREADS", "1")
    size = {"num_cpus": 1, "object_store_memory": workers.STORE}
    head = size | {"include_dashboard": False}
    nodes = Cluster(initialize_head=True, head_node_args=head)
    nodes.add_node(**size)
    ray.init(address=nodes.address, log_to_driver=False)
    yield nodes
    ray.shutdown()
    nodes.shutdown()
    patch.undo()


def owner(trial):
    """The process that trains in a folder, when there is a checkpoint to lose."""
    lock = trial.directory / ".lock"
    if not (trial.directory / "float.safetensors").exists():
        return None
    return int(lock.read_text().strip() or 0) or None


def kill_when_started(trial, killed, over):
    while not over.wait(0.02):
        if pid := owner(trial):
            os.kill(pid, signal.SIGKILL)
            killed.append(pid)
            return


def test_a_killed_worker_s_trial_goes_on_from_its_checkpoint(cluster, values):
    values["base"]["checkpoint_minutes"] = 1e-6  # after every step
    values["steps"] = 300
    values["base"]["validate_every"] = values["base"]["log_every"] = 50
    values["families"] = {
        "dense": {"widths": [0.5, 1]},
        "wrong": {"settings": {"data": {"path": "/nowhere.npz"}}},
    }
    study = StudyConfig.model_validate(values)
    victim = trials(study)[0]
    killed, told = [], []
    over = threading.Event()
    killer = threading.Thread(target=kill_when_started, args=(victim, killed, over))
    killer.start()
    try:
        rows = run(study, note=told.append)
    finally:
        over.set()
        killer.join()
    assert killed
    first, second, wrong = rows
    assert (first.status, second.status, wrong.status) == ("done", "done", "failed")
    assert first.starts == 2
    assert second.starts == 1
    assert "/nowhere.npz does not exist" in wrong.error
    steps = (victim.directory / "float.csv").read_text().splitlines()
    assert [line.partition(",")[0] for line in steps[1:]] == [
        str(step) for step in range(50, 301, 50)
    ]
    # The same network as of one that was never killed.
    whole = study.model_copy(update={"name": "whole"})
    again = workers.run_trial(trials(whole)[0], "loihi1")
    assert again.model_dump(exclude={"training_s", "starts"}) == first.model_dump(
        exclude={"training_s", "starts"}
    )
    # It went on, and was not trained once more: that would be the same network, too.
    notes = (victim.directory / "notes.txt").read_text()
    assert len(re.findall("^host ", notes, re.M)) == 2
    (step,) = re.findall(r"^float: goes on from step (\d+) of 300$", notes, re.M)
    assert 0 < int(step) < 300
    assert read_table(study.directory / "table.csv") == rows
    assert (study.directory / "table.parquet").stat().st_size > 0


def test_two_nodes_share_the_trials_and_a_stopped_study_goes_on(cluster, values):
    study = StudyConfig.model_validate(values)
    half = StudyConfig.model_validate({**values, "budget": {"trials": 2}})
    told = []
    rows = run(half, note=told.append)
    assert len(rows) == 2
    assert told[-1] == "the budget is spent: 1 trials are left for another call"
    notes = [(t.directory / "notes.txt").read_text() for t in trials(study)[:2]]
    assert len({re.search(r"node (\w+)", text)[1] for text in notes}) == 2
    told.clear()
    rows = run(study, note=told.append)
    assert told[0] == "3 trials, 2 of them done"
    assert [row.trial for row in rows] == [trial.name for trial in trials(study)]
    assert {row.status for row in rows} == {"done"}
    assert run(study, note=told.append) == rows
    assert len(ray.nodes()) == 2
