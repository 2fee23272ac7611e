# SPDX-License-Identifier: BSD-3-Clause
"""NeuroBench: its `Benchmark` measures a quantised, sparse network.

`NetworkModel` is the network as its metrics look at it, `SparseFootprint` a metric
for what zeros do not take.
"""

import importlib.util

from lava_sparse_rnn import messages

messages.require("interchange.neurobench", "train", "torch")
# It is in no extra: its torchaudio is that of another torch unless one says which.
if importlib.util.find_spec("neurobench") is None:
    raise ImportError(
        "interchange.neurobench needs the package neurobench: run `pip install "
        "neurobench==2.3.0 torchaudio==2.3.1`, see docs/neurobench.md"
    )

from lava_sparse_rnn.interchange.neurobench._metrics import SparseFootprint
from lava_sparse_rnn.interchange.neurobench._model import NetworkModel

__all__ = ["NetworkModel", "SparseFootprint"]
