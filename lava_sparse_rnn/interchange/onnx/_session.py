# SPDX-License-Identifier: BSD-3-Clause
"""A model under ONNX Runtime, with its states between two calls."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lava_sparse_rnn import messages
from lava_sparse_rnn.fixed_point import Brief

TYPES = {
    "tensor(int32)": np.int32,
    "tensor(float)": np.float32,
    "tensor(double)": np.float64,
}


class Session(Brief):
    """What `export` made, run by ONNX Runtime on one processor thread.

    Parameters
    ----------
    model : onnx.ModelProto, str or pathlib.Path
    batch : int
        Sequences side by side.

    Attributes
    ----------
    state : dict of array
        Every state by name, shape (batch, n); can be changed.

    Raises
    ------
    ImportError
        Without onnxruntime.
    """

    def __init__(self, model: Any, batch: int = 1) -> None:
        messages.require("interchange.onnx.Session", "onnx", "onnxruntime")
        import onnxruntime  # type: ignore[import-not-found]

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        is_file = isinstance(model, str | Path)
        self._session = onnxruntime.InferenceSession(
            str(model) if is_file else model.SerializeToString(),
            options,
            providers=["CPUExecutionProvider"],
        )
        self._outputs = [output.name for output in self._session.get_outputs()]
        self.batch = batch
        self.reset()

    def _about(self) -> str:
        return f"{len(self.state)} states, batch={self.batch}"

    def reset(self) -> None:
        """Set every state to zero."""
        u, *states = self._session.get_inputs()
        self._dtype = TYPES[u.type]
        self.state: dict[str, NDArray] = {
            s.name: np.zeros((self.batch, s.shape[1]), TYPES[s.type]) for s in states
        }

    def run(self, u: ArrayLike) -> dict[str, NDArray]:
        """The answers to the next token or tokens; states go on.

        Parameters
        ----------
        u : array, shape (batch, d_in) or (batch, time, d_in)
            As the model's graph has it.

        Returns
        -------
        dict of array
            ``y``, and ``answer`` where the network has a head.
        """
        feed = {"u": np.asarray(u).astype(self._dtype), **self.state}
        answers: Any = self._session.run(None, feed)
        found = dict(zip(self._outputs, answers, strict=True))
        self.state = {name: found.pop(f"{name}_next") for name in self.state}
        return found
