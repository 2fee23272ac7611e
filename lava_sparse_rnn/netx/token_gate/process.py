# SPDX-License-Identifier: BSD-3-Clause
"""What stands between this library's layers and others that follow."""

from __future__ import annotations

from typing import Any

from lava.magma.core.process.ports.ports import InPort, OutPort

from lava_sparse_rnn.proc.neurons import TimedProcess


class TokenGate(TimedProcess):
    """``s_out = a_in`` in steps that have a token, 0 in all others; no time passes.

    While a pipeline fills, layers without state answer zeros with their biases. A
    recurrence of this library rests then; other libraries' neurons would integrate it.

    Parameters
    ----------
    shape : tuple of int
    **kwargs
        See `TimedProcess`; ``depth`` counts to ``a_in``.

    Attributes
    ----------
    a_in, s_out : InPort, OutPort
    """

    def __init__(self, *, shape: tuple[int, ...], **kwargs: Any) -> None:
        super().__init__(shape=shape, **kwargs)
        self.a_in = InPort(shape=shape)
        self.s_out = OutPort(shape=shape)
