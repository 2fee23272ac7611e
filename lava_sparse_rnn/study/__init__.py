# SPDX-License-Identifier: BSD-3-Clause
"""Studies: many trainings of one task, what each of them reached and what it costs.

A `StudyConfig` (a YAML file) names families of networks; `run` trains them on ray, one
row each; `compare` says what one family saves beside another at equal score.
"""

from lava_sparse_rnn.study.config import StudyConfig, read_study
from lava_sparse_rnn.study.opened import Study
from lava_sparse_rnn.study.table import Row, read_table, write_table
from lava_sparse_rnn.study.trials import Trial, trials
from lava_sparse_rnn.study.workers import run

__all__ = [
    "Row",
    "Study",
    "StudyConfig",
    "Trial",
    "read_study",
    "read_table",
    "run",
    "trials",
    "write_table",
]
