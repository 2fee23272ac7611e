# SPDX-License-Identifier: BSD-3-Clause
"""One S5 block: batch norm, diagonal state space, gate and residual."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from lava_sparse_rnn.fixed_point import brief, check_whole
from lava_sparse_rnn.nn._autograd import refuse_script
from lava_sparse_rnn.nn._discretise import DISCRETISATIONS
from lava_sparse_rnn.nn._fused import block_step, covers_block
from lava_sparse_rnn.nn._hippo import initial_state_space
from lava_sparse_rnn.nn._inputs import check_options
from lava_sparse_rnn.nn._linear import apply_mask, linear
from lava_sparse_rnn.nn._scan import gate_states, gated_scan
from lava_sparse_rnn.nn.activations import ACTIVATIONS
from lava_sparse_rnn.nn.folded import OPEN_GATE, FoldedBlock, check_expressible
from lava_sparse_rnn.nn.gates import GATES
from lava_sparse_rnn.nn.options import S5Options

# Real parts of the eigenvalues stay below this, so that every state decays.
MAX_REAL_PART = -1e-4

STATE_MATRICES = ("B_re", "B_im", "C_re", "C_im")


class S5Block(nn.Module):
    """S5 layer; by default with ReLU, as the integer contract deploys it.

    With ``v = batch_norm(u)``::

        a_bar = exp(Lambda * dt)
        B_bar = (a_bar - 1) / Lambda * B                    zero-order hold
        x_t   = a_bar * x_{t-1} + B_bar v_t
        s     = state_nonlinearity(x)
        y     = 2 Re(C s) + D * v ,  z = ReLU(y)
        out   = ReLU(z * sigmoid(W z + b) + u)              gate 'half1', residual

    `options` can change the discretisation, the activation and the gate.

    Source: Smith et al. (arXiv 2208.04933) and, for the ReLU placement, Pierro et
    al. (arXiv 2502.01330).

    Parameters
    ----------
    d_model : int
        Number of features H.
    d_state : int
        Real state size; ``N = d_state / 2`` complex states are stored (``d_state``
        of them without conjugate symmetry).
    rng : numpy.random.Generator
        Of the initial weights.
    **options
        Fields of `S5Options`.

    Attributes
    ----------
    matrices : tuple of str
        Names of the matrices that can be pruned.
    fused : bool
        Whether `forward` may take the faster form of the same equations, see `_fused`.
    observer : callable or None
        Called in `forward` with name and value of every wire: 's', 'z' and 'out'.
    """

    __prepare_scriptable__ = refuse_script

    def __init__(
        self, d_model: int, d_state: int, *, rng: np.random.Generator, **options: Any
    ) -> None:
        super().__init__()
        check_whole("d_model", d_model, 1)
        check_whole("d_state", d_state, 1)
        if not isinstance(rng, np.random.Generator):
            raise ValueError(
                f"rng is {brief(rng)}; it must be a numpy.random.Generator, such as "
                "numpy.random.default_rng(0)"
            )
        check_options(options, S5Options.names())
        self.options = o = S5Options(**options)
        init = initial_state_space(d_model, d_state, o.hippo_blocks, rng, o.conj_sym)
        n = len(init["lambda"])
        self.d_model, self.d_state = d_model, d_state
        self.compute_dtype: torch.dtype | None = None
        self.fused = True
        self.observer: Callable[[str, Tensor], Any] | None = None

        def parameter(x) -> Tensor:
            return nn.Parameter(torch.as_tensor(np.ascontiguousarray(x)).float())

        self.lambda_re = parameter(init["lambda"].real)
        self.lambda_im = parameter(init["lambda"].imag)
        self.log_step = parameter(rng.uniform(np.log(o.dt_min), np.log(o.dt_max), n))
        self.B_re = parameter(init["B"].real)
        self.B_im = parameter(init["B"].imag)
        self.C_re = parameter(init["C"].real)
        self.C_im = parameter(init["C"].imag)
        self.D = parameter(rng.standard_normal(d_model))
        bound = 1 / np.sqrt(d_model)
        for name in GATES[o.gate].matrices:
            weights = rng.uniform(-bound, bound, (d_model, d_model))
            setattr(self, name, parameter(weights))
            setattr(self, f"{name}_bias", parameter(np.zeros(d_model)))
        self.norm = nn.BatchNorm1d(d_model, eps=o.norm_eps)
        self.dropout = nn.Dropout(o.dropout)
        self.matrices = (*STATE_MATRICES, *GATES[o.gate].matrices)
        for name in self.matrices:
            shape = getattr(self, name).shape
            self.register_buffer(f"{name}_mask", torch.ones(shape, dtype=torch.bool))

    @property
    def state_nonlinearity(self) -> str:
        """Of the complex states on their way to C."""
        return self.options.state_nonlinearity

    def change(self, **options: Any) -> None:
        """Set options that leave the parameters as they are.

        Raises
        ------
        ValueError
            For an option that decides which parameters there are.
        """
        check_options(options, S5Options.names())
        fixed = {"hippo_blocks", "gate", "conj_sym"} & options.keys()
        if fixed:
            raise ValueError(f"{', '.join(sorted(fixed))} cannot be changed any more")
        self.options = replace(self.options, **options)
        self.dropout.p, self.norm.eps = self.options.dropout, self.options.norm_eps

    def transition(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """``a_bar``, and what makes ``B_bar`` of B; each in two parts of shape (N,)."""
        re = self.lambda_re
        if self.options.clip_eigs:
            re = re.clamp(max=MAX_REAL_PART)
        rule = DISCRETISATIONS[self.options.discretisation]
        return rule(re, self.lambda_im, self.log_step.exp())

    def discretise(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """The system for one step per token.

        Returns
        -------
        a_re, a_im : Tensor, shape (N,)
            ``a_bar``.
        B_re, B_im : Tensor, shape (N, H)
            Dense ``B_bar``, before masks and before the batch-norm fold.
        """
        a_re, a_im, f_re, f_im = self.transition()
        f_re, f_im = f_re[:, None], f_im[:, None]
        b_re = f_re * self.B_re - f_im * self.B_im
        b_im = f_re * self.B_im + f_im * self.B_re
        return a_re, a_im, b_re, b_im

    def masked(self, name: str, dense: Tensor | None = None) -> Tensor:
        """A matrix as deployed: ``dense`` (default: the parameter) times its mask."""
        weight: Tensor = getattr(self, name) if dense is None else dense
        mask: Tensor = getattr(self, f"{name}_mask")
        return apply_mask(weight, mask, self.options.straight_through)

    def norm_scale(self) -> tuple[Tensor, Tensor]:
        """Scale and offset (H,) that the batch norm applies in evaluation."""
        mean, var = self.norm.running_mean, self.norm.running_var
        assert isinstance(mean, Tensor)  # the norm is made with running statistics
        assert isinstance(var, Tensor)
        scale = self.norm.weight / (var + self.norm.eps).sqrt()
        return scale, self.norm.bias - mean * scale

    def state_gain(self) -> Tensor:
        """``1 / sqrt(1 - |a|^2)`` of each state (N,): its gain to white input."""
        a_re, a_im, _, _ = self.transition()
        return (1 - a_re**2 - a_im**2).clamp(min=1e-6).rsqrt()

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
        _, _, b_re, b_im = self.discretise()
        weight = self.state_gain()[:, None] * self.norm_scale()[0].abs()
        scores = {name: getattr(self, name).abs() for name in self.matrices}
        return scores | {"B_re": b_re.abs() * weight, "B_im": b_im.abs() * weight}

    @torch.no_grad()
    def deployed(self) -> dict[str, tuple[Tensor, Tensor]]:
        """Every prunable matrix as deployed, not masked, and its gradient.

        Returns
        -------
        dict
            Name to weights and gradients (zeros where there is none yet). Of B it is
            ``B_bar = f B``: by the chain rule ``dL/dB = conj(f) dL/dB_bar``.
        """
        found = {
            name: (weight := getattr(self, name), gradient_of(weight))
            for name in self.matrices
        }
        _, _, b_re, b_im = self.discretise()
        f_re, f_im = (f[:, None] for f in self.transition()[2:])
        (_, g_re), (_, g_im) = found["B_re"], found["B_im"]
        norm = f_re * f_re + f_im * f_im
        found["B_re"] = b_re, (g_re * f_re - g_im * f_im) / norm
        found["B_im"] = b_im, (g_im * f_re + g_re * f_im) / norm
        return found

    @torch.no_grad()
    def fold(
        self, dtype: torch.dtype = torch.float64, name: str = "block"
    ) -> FoldedBlock:
        """The block as it will be deployed: masks applied, batch norm folded.

        Parameters
        ----------
        dtype : torch.dtype
            Of the folded tensors.
        name : str
            Of the block, in messages.

        Returns
        -------
        FoldedBlock
            Gate 'none' is a gate without weights whose argument is always
            `OPEN_GATE`.

        Raises
        ------
        ValueError
            Names the options that the integer contract cannot express, or the state
            that does not decay.
        """
        check_expressible(self.options)
        # v = scale * u + offset, so B v = (B * scale) u + B offset; the same with D.
        scale, offset = (x.to(dtype) for x in self.norm_scale())
        a_re, a_im, b_re, b_im = self.discretise()
        _check_decay(a_re, a_im, name)
        b_re = self.masked("B_re", b_re).to(dtype)
        b_im = self.masked("B_im", b_im).to(dtype)
        D = self.D.to(dtype)
        # The contract doubles 2 Re(C s); what has no conjugate pairs is halved for it.
        half = 1.0 if self.options.conj_sym else 0.5
        W, bias_g = self._gate()
        return FoldedBlock(
            a_re=a_re.to(dtype),
            a_im=a_im.to(dtype),
            B_re=b_re * scale,
            B_im=b_im * scale,
            bias_x_re=b_re @ offset,
            bias_x_im=b_im @ offset,
            C_re=half * self.masked("C_re").to(dtype),
            C_imn=-half * self.masked("C_im").to(dtype),
            D=D * scale,
            bias_z=D * offset,
            W=W.to(dtype),
            bias_g=bias_g.to(dtype),
            nonlinearity=self.state_nonlinearity,
        )

    def forward(self, u: Tensor) -> Tensor:
        """Run a batch of sequences from zero state.

        Parameters
        ----------
        u : Tensor, shape (T, B, H); nonnegative with ReLU
            Time first: the recurrence then works on contiguous rows.

        Returns
        -------
        Tensor, shape (T, B, H)
        """
        if self.fused and covers_block(self, u):
            return block_step(self, u)
        v = self.norm(u.flatten(0, 1)).view_as(u)
        a_re, a_im, b_re, b_im = self.discretise()
        drive = self._drive(v, b_re, b_im)
        s = gated_scan(a_re, a_im, drive, self.state_nonlinearity)
        return self._answer(s, v, u)

    def initial_state(self, batch: int) -> Tensor:
        """Zero state for `step`, shape (batch, 2 N), real parts first."""
        return self.lambda_re.new_zeros(batch, 2 * self.lambda_re.numel())

    def step(self, u: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """One token of a stream; equals `forward` in evaluation.

        The batch norm uses its running statistics and nothing is dropped, whatever
        the mode: a single token has no statistics.

        Parameters
        ----------
        u : Tensor, shape (B, H)
        state : Tensor, shape (B, 2 N)
            Of the step before, or `initial_state`; it is left as it is.

        Returns
        -------
        out : Tensor, shape (B, H)
        state : Tensor, shape (B, 2 N)
        """
        scale, offset = self.norm_scale()
        v = u * scale + offset
        a_re, a_im, b_re, b_im = self.discretise()
        x_re, x_im = state.chunk(2, dim=-1)
        d_re, d_im = self._drive(v, b_re, b_im).to(state.dtype).chunk(2, dim=-1)
        x_re, x_im = (
            a_re * x_re - a_im * x_im + d_re,
            a_re * x_im + a_im * x_re + d_im,
        )
        s = gate_states(x_re, x_im, self.state_nonlinearity)
        return self._answer(s, v, u, drop=False), torch.cat([x_re, x_im], dim=-1)

    def _drive(self, v: Tensor, b_re: Tensor, b_im: Tensor) -> Tensor:
        B = torch.cat([self.masked("B_re", b_re), self.masked("B_im", b_im)])
        return linear(v, B, self.compute_dtype)

    def _answer(self, s: Tensor, v: Tensor, u: Tensor, drop: bool = True) -> Tensor:
        """Readout, gate and residual, for gated states (..., 2 N)."""
        o = self.options
        activation, gate = ACTIVATIONS[o.activation], GATES[o.gate]
        C = torch.cat([self.masked("C_re"), -self.masked("C_im")], dim=1)
        if o.conj_sym:
            C = 2 * C
        product = linear(s, C, self.compute_dtype).to(u.dtype)
        y = torch.addcmul(product, v, self.D)
        z = activation.inner(y)
        if o.top_k is not None:
            z = o.top_k(z)  # type: ignore[operator]  # S5Options has made it a TopK
        gated = gate.equation(self._gate_product, y, z)
        out = activation.wire((self.dropout(gated) if drop else gated) + u)
        if self.observer is not None:
            for name, value in (("s", s), ("z", z), ("out", out)):
                self.observer(name, value)
        return out

    def _gate_product(self, name: str, z: Tensor) -> Tensor:
        """A gate matrix times ``z``, plus its bias."""
        product = linear(z, self.masked(name), self.compute_dtype)
        return product + getattr(self, f"{name}_bias")

    def _gate(self) -> tuple[Tensor, Tensor]:
        """W and its bias of the contract's gate, which is open where there is none."""
        if self.options.gate == "none":
            W = self.D.new_zeros(self.d_model, self.d_model)
            return W, self.D.new_full((self.d_model,), OPEN_GATE)
        return self.masked("gate"), cast(Tensor, self.gate_bias)


def gradient_of(parameter: Tensor) -> Tensor:
    """The gradient of a parameter, or zeros."""
    found = parameter.grad
    return torch.zeros_like(parameter) if found is None else found


def _check_decay(a_re: Tensor, a_im: Tensor, name: str) -> None:
    size = torch.hypot(a_re, a_im)
    n = int(size.argmax())
    if not size[n] < 1:
        raise ValueError(
            f"{name}: state {n} does not decay, |a_bar| is {float(size[n]):.6g} and "
            "must be below 1; train with clip_eigs"
        )
