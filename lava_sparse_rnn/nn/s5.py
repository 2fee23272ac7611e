# SPDX-License-Identifier: BSD-3-Clause
"""One S5 block: batch norm, diagonal state space, gate and residual."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from ._hippo import initial_state_space
from ._linear import apply_mask, linear
from ._scan import gated_scan

# Real parts of the eigenvalues stay below this, so that every state decays.
MAX_REAL_PART = -1e-4


class S5Block(nn.Module):
    """S5 layer with ReLU nonlinearities, as the integer contract deploys it.

    With ``v = batch_norm(u)``::

        a_bar = exp(Lambda * dt)
        B_bar = (a_bar - 1) / Lambda * B                    zero-order hold
        x_t   = a_bar * x_{t-1} + B_bar v_t
        s     = state_nonlinearity(x)
        y     = 2 Re(C s) + D * v ,  z = ReLU(y)
        out   = ReLU(z * sigmoid(W z + b) + u)              gate 'half1', residual

    Source: Smith et al. (arXiv 2208.04933) and, for the ReLU placement, Pierro et
    al. (arXiv 2502.01330).

    Parameters
    ----------
    d_model : int
        Number of features H.
    d_state : int
        Real state size; ``N = d_state / 2`` complex states are stored.
    hippo_blocks : int
        Blocks of the HiPPO-LegS initialisation.
    state_nonlinearity : {'real_gate', 'split', 'none'}
    dt_min, dt_max : float
        Range of the initial steps, log-uniform, in units of one token.
    dropout : float
        Applied to ``z * sigmoid(...)``.
    norm_eps : float
        Added to the variance; it bounds the scale that is folded into B and D.
    straight_through : bool
        Whether pruned weights keep learning, see `apply_mask`.
    rng : numpy.random.Generator
    """

    MATRICES = ("B_re", "B_im", "C_re", "C_im", "gate")

    def __init__(
        self,
        d_model: int,
        d_state: int,
        *,
        rng: np.random.Generator,
        hippo_blocks: int = 16,
        state_nonlinearity: str = "real_gate",
        dt_min: float = 1e-3,
        dt_max: float = 1e-1,
        dropout: float = 0.0,
        norm_eps: float = 1e-3,
        straight_through: bool = False,
    ) -> None:
        super().__init__()
        init = initial_state_space(d_model, d_state, hippo_blocks, rng)
        n = d_state // 2
        self.d_model, self.d_state = d_model, d_state
        self.state_nonlinearity = state_nonlinearity
        self.straight_through = straight_through
        self.compute_dtype: torch.dtype | None = None

        def parameter(x) -> Tensor:
            return nn.Parameter(torch.as_tensor(np.ascontiguousarray(x)).float())

        self.lambda_re = parameter(init["lambda"].real)
        self.lambda_im = parameter(init["lambda"].imag)
        self.log_step = parameter(rng.uniform(np.log(dt_min), np.log(dt_max), n))
        self.B_re = parameter(init["B"].real)
        self.B_im = parameter(init["B"].imag)
        self.C_re = parameter(init["C"].real)
        self.C_im = parameter(init["C"].imag)
        self.D = parameter(rng.standard_normal(d_model))
        bound = 1 / np.sqrt(d_model)
        self.gate = parameter(rng.uniform(-bound, bound, (d_model, d_model)))
        self.gate_bias = parameter(np.zeros(d_model))
        self.norm = nn.BatchNorm1d(d_model, eps=norm_eps)
        self.dropout = nn.Dropout(dropout)
        for name in self.MATRICES:
            shape = getattr(self, name).shape
            self.register_buffer(f"{name}_mask", torch.ones(shape, dtype=torch.bool))

    def discretise(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Zero-order hold.

        Returns
        -------
        a_re, a_im : Tensor, shape (N,)
            ``exp(Lambda * dt)``.
        B_re, B_im : Tensor, shape (N, H)
            Dense ``B_bar``, before masks and before the batch-norm fold.
        """
        re = self.lambda_re.clamp(max=MAX_REAL_PART)
        im = self.lambda_im
        dt = self.log_step.exp()
        radius = (re * dt).exp()
        a_re, a_im = radius * (im * dt).cos(), radius * (im * dt).sin()
        # (a_bar - 1) / Lambda = (a_bar - 1) * conj(Lambda) / |Lambda|^2
        norm = re * re + im * im
        f_re = (((a_re - 1) * re + a_im * im) / norm)[:, None]
        f_im = ((a_im * re - (a_re - 1) * im) / norm)[:, None]
        b_re = f_re * self.B_re - f_im * self.B_im
        b_im = f_re * self.B_im + f_im * self.B_re
        return a_re, a_im, b_re, b_im

    def masked(self, name: str, dense: Tensor | None = None) -> Tensor:
        """A matrix as deployed: ``dense`` (default: the parameter) times its mask."""
        weight: Tensor = getattr(self, name) if dense is None else dense
        return apply_mask(weight, getattr(self, f"{name}_mask"), self.straight_through)

    def norm_scale(self) -> tuple[Tensor, Tensor]:
        """Scale and offset (H,) that the batch norm applies in evaluation."""
        mean, var = self.norm.running_mean, self.norm.running_var
        assert isinstance(mean, Tensor)  # the norm is made with running statistics
        assert isinstance(var, Tensor)
        scale = self.norm.weight / (var + self.norm.eps).sqrt()
        return scale, self.norm.bias - mean * scale

    @torch.no_grad()
    def saliency(self) -> dict[str, Tensor]:
        """Score of every connection for magnitude pruning, per matrix.

        Returns
        -------
        dict
            Name to a nonnegative Tensor of the matrix' shape. C and the gate are
            scored by magnitude. For B it is the magnitude of what is deployed
            (``B_bar`` times the folded batch-norm scale of its column) times
            ``1 / sqrt(1 - |a|^2)``, the gain of the recurrence to white input:
            slow states have small rows and large gains.
        """
        a_re, a_im, b_re, b_im = self.discretise()
        gain = (1 - a_re**2 - a_im**2).clamp(min=1e-6).rsqrt()[:, None]
        weight = gain * self.norm_scale()[0].abs()
        return {
            "B_re": b_re.abs() * weight,
            "B_im": b_im.abs() * weight,
            "C_re": self.C_re.abs(),
            "C_im": self.C_im.abs(),
            "gate": self.gate.abs(),
        }

    def forward(self, u: Tensor) -> Tensor:
        """Run a batch of sequences from zero state.

        Parameters
        ----------
        u : Tensor, shape (T, B, H), nonnegative
            Time first: the recurrence then works on contiguous rows.

        Returns
        -------
        Tensor, shape (T, B, H)
        """
        dtype = self.compute_dtype
        v = self.norm(u.flatten(0, 1)).view_as(u)
        a_re, a_im, b_re, b_im = self.discretise()
        B = torch.cat([self.masked("B_re", b_re), self.masked("B_im", b_im)])
        s = gated_scan(a_re, a_im, linear(v, B, dtype), self.state_nonlinearity)
        C = 2 * torch.cat([self.masked("C_re"), -self.masked("C_im")], dim=1)
        z = torch.addcmul(linear(s, C, dtype).to(u.dtype), v, self.D).relu()
        g = linear(z, self.masked("gate"), dtype) + self.gate_bias
        return (self.dropout(z * g.sigmoid()) + u).relu()
