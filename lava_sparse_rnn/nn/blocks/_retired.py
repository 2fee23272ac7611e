# SPDX-License-Identifier: BSD-3-Clause
"""Parameters that nothing uses any more, and optimisers that still hold them.

A block that turns from real numbers to integers has new parameters, in other units.
An optimiser that was made before would go on with the old ones and train nothing,
without a word: instead, its next step is an error.
"""

from __future__ import annotations

from typing import Any

from torch import nn
from torch.optim import Optimizer
from torch.optim.optimizer import register_optimizer_step_pre_hook

_MARK = "_retired_by_lava_sparse_rnn"
_guards: list[Any] = []


def retire(module: nn.Module, name: str) -> None:
    """Refuse steps of optimisers that hold parameters of ``module``.

    Parameters
    ----------
    module : nn.Module
        It will not be called again.
    name : str
        Of what it was, for the message.
    """
    for parameter in module.parameters():
        setattr(parameter, _MARK, name)
    if not _guards:
        _guards.append(register_optimizer_step_pre_hook(_refuse_retired))


def _refuse_retired(optimizer: Optimizer, args: Any, kwargs: Any) -> None:
    for group in optimizer.param_groups:
        for parameter in group["params"]:
            if (name := getattr(parameter, _MARK, None)) is not None:
                raise RuntimeError(
                    f"{type(optimizer).__name__} holds parameters of a block ({name}) "
                    "that has been quantised since, and would train nothing: make the "
                    "optimiser after nn.blocks.quantize, or after load_state_dict of a "
                    "quantised block"
                )
