# SPDX-License-Identifier: BSD-3-Clause
"""What can be chosen about an S5 block."""

from __future__ import annotations

from dataclasses import dataclass, fields

from lava_sparse_rnn.fixed_point import check_flag, check_number, check_whole, choose
from lava_sparse_rnn.nn._discretise import DISCRETISATIONS
from lava_sparse_rnn.nn._scan import NONLINEARITIES
from lava_sparse_rnn.nn.activations import ACTIVATIONS, TopK
from lava_sparse_rnn.nn.gates import GATES


def state_fits(d_state: int, hippo_blocks: int, conj_sym: bool = True) -> bool:
    """Whether a state can be cut into so many blocks of HiPPO-LegS.

    Parameters
    ----------
    d_state : int
        Real state size.
    hippo_blocks : int
    conj_sym : bool
        Whether of each conjugate pair one state is stored: blocks are of pairs.
    """
    return hippo_blocks > 0 and d_state % (pair_size(conj_sym) * hippo_blocks) == 0


def pair_size(conj_sym: bool) -> int:
    """Real states for each one that is stored."""
    return 2 if conj_sym else 1


@dataclass(frozen=True)
class S5Options:
    """Keyword arguments of `S5Block`, and of `SparseRNN` for all its blocks.

    The defaults are what the integer contract deploys.

    Parameters
    ----------
    hippo_blocks : int, optional
        Blocks of the HiPPO-LegS initialisation; the state is cut into so many. By
        default as many as divide it, 16 at most.
    state_nonlinearity : {'real_gate', 'split', 'none'}
        Of the complex states on their way to C; see `gated_scan`.
    activation : {'relu', 'gelu'}
        See `activations.ACTIVATIONS`.
    gate : {'half1', 'half2', 'full', 'none'}
        See `gates.GATES`.
    top_k : TopK, float or None
        Which activations before the gate are kept, or their density; None: all.
    discretisation : {'zoh', 'bilinear'}
    clip_eigs : bool
        Whether real parts of the eigenvalues stay below -1e-4, so that every state
        decays. Without it a state may become unstable, and cannot be exported then.
    conj_sym : bool
        Whether states come in conjugate pairs of which one is stored: ``d_state / 2``
        complex states and ``y = 2 Re(C s)``. Otherwise ``d_state`` complex states
        and ``y = Re(C s)``.
    dt_min, dt_max : float
        Range of the initial steps, log-uniform, in units of one token. The defaults are
        S5's (Smith et al., arXiv 2208.04933); a training by the command has a `dt_min`
        of its own, see `train.sections.ModelConfig`.
    dropout : float
        Applied to the gated value.
    norm_eps : float
        Added to the variance; it bounds the scale that is folded into B and D.
    straight_through : bool
        Whether pruned weights keep learning, see `apply_mask`.

    Raises
    ------
    ValueError
        If a name is unknown or a number out of its range.
    """

    hippo_blocks: int | None = None
    state_nonlinearity: str = "real_gate"
    activation: str = "relu"
    gate: str = "half1"
    top_k: TopK | float | None = None
    discretisation: str = "zoh"
    clip_eigs: bool = True
    conj_sym: bool = True
    dt_min: float = 1e-3
    dt_max: float = 1e-1
    dropout: float = 0.0
    norm_eps: float = 1e-3
    straight_through: bool = False

    def __post_init__(self) -> None:
        choose("state_nonlinearity", self.state_nonlinearity, NONLINEARITIES)
        choose("activation", self.activation, ACTIVATIONS)
        choose("gate", self.gate, GATES)
        choose("discretisation", self.discretisation, DISCRETISATIONS)
        for name in ("clip_eigs", "conj_sym", "straight_through"):
            check_flag(name, getattr(self, name))
        if self.hippo_blocks is not None:
            check_whole("hippo_blocks", self.hippo_blocks, 1)
        check_number("dropout", self.dropout, least=0, most=1)
        check_number("norm_eps", self.norm_eps, least=0)
        for name in ("dt_min", "dt_max"):
            check_number(name, getattr(self, name), above=0)
        if not 0 < self.dt_min <= self.dt_max:
            raise ValueError(
                f"steps lie between dt_min {self.dt_min} and dt_max {self.dt_max}; "
                "0 < dt_min <= dt_max is needed"
            )
        if not isinstance(self.top_k, TopK | None):
            kept = TopK(check_number("top_k", self.top_k))
            object.__setattr__(self, "top_k", kept)

    @classmethod
    def names(cls) -> list[str]:
        """What can be chosen."""
        return [field.name for field in fields(cls)]
