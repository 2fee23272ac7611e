# SPDX-License-Identifier: BSD-3-Clause
"""The same network on other runtimes, for `engine.py`.

Each peer is a function of a network that gives a function of one token, or raises
`NotInstalledError`; those of `BATCH_PEERS` also take how many sequences share a step,
and on how many threads, and give a function of one token of each. All but the reference
compute in real numbers (float32), with the weights that the integers stand for.
"""

from __future__ import annotations

import io
import logging
import tempfile
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse
from scipy.special import expit

from lava_sparse_rnn import spec
from lava_sparse_rnn.spec.reference import Reference

Step = Callable[[np.ndarray], np.ndarray]


class NotInstalledError(Exception):
    """A peer that is not installed here."""


def _installed(name: str) -> Any:
    """The package ``name``, or a `NotInstalledError`."""
    try:
        return import_module(name)
    except ImportError as error:
        raise NotInstalledError(name) from error


def real(weights: spec.Weights, inp: spec.Wire) -> np.ndarray:
    """What a matrix of integers stands for, dense float32."""
    dense = weights.matrix.toarray().astype(np.float64)
    scale = -weights.frac[:, None] + (inp.frac - inp.ref)
    return np.ldexp(dense, scale).astype(np.float32)


def parameters(network: spec.Network) -> list[dict[str, np.ndarray]]:
    """Real parameters of every layer: B, C and W of a block in one piece each."""
    return [PARAMETERS[layer.type](layer) for layer in network.layers]


def _affine(layer: spec.Affine) -> dict[str, np.ndarray]:
    bias = np.ldexp(layer.bias.value.astype(float), -layer.acc_frac)
    return {
        "W": real(layer.weights, layer.inp),
        "b": bias.astype(np.float32),
        "relu": np.array(layer.relu),
    }


def _s5(b: spec.S5Block) -> dict[str, np.ndarray]:
    k_B, k_W = b.B_re.frac + b.inp.ref, b.W.frac + b.z.ref
    bias_x = [np.ldexp(v.value.astype(float), -k_B) for v in (b.bias_x_re, b.bias_x_im)]
    values = {
        "B": np.concatenate([real(b.B_re, b.inp), real(b.B_im, b.inp)]),
        "C": 2 * np.concatenate([real(b.C_re, b.s), real(b.C_imn, b.s)], axis=1),
        "W": real(b.W, b.z),
        "a_re": np.ldexp(b.a_re.astype(float), -b.a_format.frac),
        "a_im": np.ldexp(b.a_im.astype(float), -b.a_format.frac),
        "bias_x": np.concatenate(bias_x),
        "D": np.ldexp(b.D.values.astype(float), -b.D.frac),
        "bias_z": np.ldexp(b.bias_z.value.astype(float), -b.z.frac),
        "bias_g": np.ldexp(b.bias_g.value.astype(float), -k_W),
    }
    return {name: value.astype(np.float32) for name, value in values.items()}


PARAMETERS = {"affine": _affine, "s5": _s5}


def _numpy_step(network: spec.Network, matrix: Callable) -> Step:
    """The equations in numpy; ``matrix`` decides how matrices are kept."""
    layers = parameters(network)
    for p in layers:
        p.update({name: matrix(p[name]) for name in ("W", "B", "C") if name in p})
    n = [len(p["a_re"]) if "B" in p else 0 for p in layers]
    states = [[np.zeros(k, np.float32), np.zeros(k, np.float32)] for k in n]
    scale = np.ldexp(1.0, -network.layers[0].inp.frac).astype(np.float32)

    def step(u: np.ndarray) -> np.ndarray:
        v = u.astype(np.float32) * scale  # int64 times float32 would be float64
        for p, k, x in zip(layers, n, states, strict=True):
            if not k:
                v = p["W"] @ v + p["b"]
                v = np.maximum(v, 0) if p["relu"] else v
                continue
            drive = p["B"] @ v + p["bias_x"]
            re, im = x
            x[0] = p["a_re"] * re - p["a_im"] * im + drive[:k]
            x[1] = p["a_re"] * im + p["a_im"] * re + drive[k:]
            s = np.concatenate(x) * np.tile(x[0] > 0, 2)
            z = np.maximum(p["C"] @ s + p["D"] * v + p["bias_z"], 0)
            g = p["W"] @ z + p["bias_g"]
            v = np.maximum(z * expit(g) + v, 0)
        return v

    return step


def numpy_dense(network: spec.Network) -> Step:
    """numpy, dense float32."""
    return _numpy_step(network, lambda m: m)


def scipy_csr(network: spec.Network) -> Step:
    """numpy with scipy's compressed rows, float32."""
    return _numpy_step(network, sparse.csr_array)


def reference(network: spec.Network) -> Step:
    """The reference executor: int64, compressed rows."""
    return Reference(network).step


def _torch_module(network: spec.Network, batch: int = 1):
    torch = _installed("torch")
    torch.set_num_threads(1)

    class Net(torch.nn.Module):
        """One token and the states in, one answer and the states out."""

        def __init__(self) -> None:
            super().__init__()
            self.kinds = [type(layer) is spec.S5Block for layer in network.layers]
            self.relus = [getattr(layer, "relu", True) for layer in network.layers]
            for i, p in enumerate(parameters(network)):
                for name, value in p.items():
                    self.register_buffer(f"{name}{i}", torch.as_tensor(value))
            scale = np.ldexp(1.0, -network.layers[0].inp.frac).astype(np.float32)
            self.register_buffer("scale", torch.as_tensor(scale))

        def forward(self, u, *states):
            v, after = u * self.scale, []
            for i, is_block in enumerate(self.kinds):
                get = lambda name, i=i: getattr(self, f"{name}{i}")  # noqa: E731
                if not is_block:
                    v = torch.nn.functional.linear(v, get("W"), get("b"))
                    v = torch.relu(v) if self.relus[i] else v
                    continue
                re, im = states[len(after)], states[len(after) + 1]
                drive = torch.nn.functional.linear(v, get("B"), get("bias_x"))
                n = re.shape[-1]
                new_re = get("a_re") * re - get("a_im") * im + drive[..., :n]
                new_im = get("a_re") * im + get("a_im") * re + drive[..., n:]
                after += [new_re, new_im]
                gate = (new_re > 0).to(new_re.dtype)
                s = torch.cat((new_re * gate, new_im * gate), -1)
                z = torch.nn.functional.linear(s, get("C"), get("bias_z"))
                z = torch.relu(z + get("D") * v)
                g = torch.nn.functional.linear(z, get("W"), get("bias_g"))
                v = torch.relu(z * torch.sigmoid(g) + v)
            return (v, *after)

    blocks = [layer for layer in network.layers if isinstance(layer, spec.S5Block)]
    states = [torch.zeros(batch, b.d_state) for b in blocks for _ in range(2)]
    return torch, Net().eval(), states


def _torch_step(network: spec.Network, scripted: bool, batch: int = 1) -> Step:
    torch, module, states = _torch_module(network, batch)
    if scripted:
        u = torch.zeros(batch, network.d_in)
        with torch.inference_mode():
            module = torch.jit.freeze(torch.jit.trace(module, (u, *states)))

    def step(u: np.ndarray) -> np.ndarray:
        nonlocal states
        with torch.inference_mode():
            v, *states = module(torch.from_numpy(u).float().view(batch, -1), *states)
            return v.numpy().reshape(*u.shape[:-1], -1)

    return step


def torch_eager(network: spec.Network) -> Step:
    """torch, dense float32, eager, one thread."""
    return _torch_step(network, scripted=False)


def torch_scripted(network: spec.Network) -> Step:
    """torch, dense float32, traced and frozen, one thread."""
    return _torch_step(network, scripted=True)


def _onnx_step(
    network: spec.Network, int8: bool, batch: int = 1, threads: int = 1
) -> Step:
    onnxruntime = _installed("onnxruntime")
    _installed("onnx")  # torch's export and the quantisation import it
    torch, module, states = _torch_module(network, batch)
    n = len(states)
    names = [f"x{i}" for i in range(n)]
    file = io.BytesIO()
    torch.onnx.export(
        module,
        (torch.zeros(batch, network.d_in), *states),
        file,
        input_names=["u", *names],
        output_names=["v", *(f"{name}_next" for name in names)],
        opset_version=17,
    )
    model = file.getvalue()
    if int8:
        model = _dynamic_int8(model)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    # Its threads wait by spinning, which would hold up whoever has the next turn.
    options.add_session_config_entry("session.force_spinning_stop", "1")
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(
        model, options, providers=["CPUExecutionProvider"]
    )
    feed = {name: s.numpy() for name, s in zip(names, states, strict=True)}

    def step(u: np.ndarray) -> np.ndarray:
        feed["u"] = u.astype(np.float32).reshape(batch, -1)
        v, *after = session.run(None, feed)
        feed.update(zip(names, after, strict=True))
        return v.reshape(*u.shape[:-1], -1)

    return step


def _dynamic_int8(model: bytes) -> bytes:
    from onnxruntime.quantization import QuantType, quantize_dynamic

    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "fp32.onnx"), Path(folder, "int8.onnx")
        source.write_bytes(model)
        logging.disable(logging.WARNING)  # advice about models that are no use here
        try:
            quantize_dynamic(source, target, weight_type=QuantType.QInt8)
        finally:
            logging.disable(logging.NOTSET)
        return target.read_bytes()


def onnx_fp32(network: spec.Network) -> Step:
    """ONNX Runtime, dense float32, one thread."""
    return _onnx_step(network, int8=False)


def onnx_int8(network: spec.Network) -> Step:
    """ONNX Runtime, dense, dynamically quantised to int8, one thread."""
    return _onnx_step(network, int8=True)


PEERS: dict[str, Callable[[spec.Network], Step]] = {
    "torch eager, dense fp32": torch_eager,
    "torch traced and frozen, dense fp32": torch_scripted,
    "ONNX Runtime, dense fp32": onnx_fp32,
    "ONNX Runtime, dense int8": onnx_int8,
    "numpy, dense fp32": numpy_dense,
    "scipy CSR, fp32": scipy_csr,
    "reference executor": reference,
}


def torch_batch(network: spec.Network, batch: int, threads: int) -> Step:
    """torch, traced and frozen; one thread, because that is set for a process."""
    if threads != 1:
        raise ValueError("torch_batch: threads must be 1")
    return _torch_step(network, scripted=True, batch=batch)


def onnx_fp32_batch(network: spec.Network, batch: int, threads: int) -> Step:
    """ONNX Runtime, dense float32."""
    return _onnx_step(network, False, batch, threads)


def onnx_int8_batch(network: spec.Network, batch: int, threads: int) -> Step:
    """ONNX Runtime, dense, dynamically quantised to int8."""
    return _onnx_step(network, True, batch, threads)


# Name, maker, and the numbers of threads that it can have.
BATCH_PEERS: list[tuple[str, Callable[[spec.Network, int, int], Step], list[int]]] = [
    ("torch traced and frozen, dense fp32", torch_batch, [1]),
    ("ONNX Runtime, dense fp32", onnx_fp32_batch, [1, 2]),
    ("ONNX Runtime, dense int8", onnx_int8_batch, [1, 2]),
]
