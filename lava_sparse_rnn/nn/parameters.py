# SPDX-License-Identifier: BSD-3-Clause
"""Parameters in groups that share a learning rate and a weight decay."""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

from lava_sparse_rnn.fixed_point import choose

# What shapes the dynamics. The last two are those of the quantised model.
DYNAMICS = (
    "lambda_re",
    "lambda_im",
    "log_step",
    "norm.weight",
    "norm.bias",
    "rate",
    "angle",
)
_B = ("B_re", "B_im")
_C = ("C_re", "C_im")


@dataclass(frozen=True)
class Policy:
    """Which parameters learn slowly, and which of them decay.

    Parameters
    ----------
    slow : tuple of str
        Ends of names: the rate of the state space, no decay.
    slow_decay : tuple of str
        Ends of names: the rate of the state space, with decay.
    """

    slow: tuple[str, ...]
    slow_decay: tuple[str, ...] = ()


POLICIES: dict[str, Policy] = {
    "dynamics": Policy(DYNAMICS),
    "standard": Policy((*DYNAMICS, *_B)),
    "b_decay": Policy(DYNAMICS, _B),
    "no_bc_decay": Policy((*DYNAMICS, *_B, *_C)),
}
"""Policies by name, as in the public code of S5 (Smith et al., arXiv 2208.04933).

There they are called ``BfastandCdecay`` (here 'dynamics', the default: B and C learn
and decay like every matrix), ``standard`` (B slow, without decay), ``BandCdecay``
(B slow, with decay) and ``noBCdecay`` (B and C slow, without decay).
"""


def parameter_groups(
    model: nn.Module, policy: str = "dynamics"
) -> dict[str, list[nn.Parameter]]:
    """Every parameter of a model, in named groups.

    Parameters
    ----------
    model : nn.Module
        A `SparseRNN`, its quantised form, or anything with parameters.
    policy : str
        Name in `POLICIES`.

    Returns
    -------
    dict
        ``'dynamics'``: rate of the state space, no weight decay. ``'vectors'``: the
        general rate, no decay. ``'matrices'``: the general rate, decay. With
        policy 'b_decay' also ``'slow_matrices'``: rate of the state space, decay.

    Raises
    ------
    ValueError
        If the policy is unknown.

    Examples
    --------
    >>> groups = parameter_groups(model)
    >>> torch.optim.AdamW([
    ...     {"params": groups["dynamics"], "lr": 1e-3, "weight_decay": 0.0},
    ...     {"params": groups["vectors"], "lr": 4e-3, "weight_decay": 0.0},
    ...     {"params": groups["matrices"], "lr": 4e-3, "weight_decay": 0.01},
    ... ])
    """
    chosen = choose("policy", policy, POLICIES)
    groups: dict[str, list[nn.Parameter]] = {"dynamics": [], "vectors": []}
    groups["matrices"] = []
    if chosen.slow_decay:
        groups["slow_matrices"] = []
    for name, parameter in model.named_parameters():
        if name.endswith(chosen.slow):
            kind = "dynamics"
        elif chosen.slow_decay and name.endswith(chosen.slow_decay):
            kind = "slow_matrices"
        else:
            kind = "vectors" if parameter.dim() < 2 else "matrices"
        groups[kind].append(parameter)
    return groups
