# SPDX-License-Identifier: BSD-3-Clause
"""From what Lava's compiler makes of a network to models that are connected."""

from __future__ import annotations

from typing import Any

from lava.magma.compiler.builders.channel_builder import ChannelBuilderMp
from lava.magma.compiler.builders.py_builder import PyProcessBuilder
from lava.magma.compiler.executable import Executable
from lava.magma.core.model.py.model import PyAsyncProcessModel, PyLoihiProcessModel
from lava.magma.core.process.ports.ports import create_port_id
from lava.magma.core.process.process import AbstractProcess
from lava.proc.io.extractor import VarWire
from lava.proc.io.injector import PyLoihiInjectorModel, PyLoihiInjectorModelAsync
from scipy.sparse import csr_matrix

from lava_sparse_rnn.inline.channels import Channel
from lava_sparse_rnn.inline.domains import Answer, AsyncModel, Command, LoihiDomain
from lava_sparse_rnn.inline.hub import Hub
from lava_sparse_rnn.inline.pipes import Pipe
from lava_sparse_rnn.inline.ports import shorten
from lava_sparse_rnn.inline.stock import quick, quicken

OTHER = "{} has a {}, and only Python models run inline; use Lava's own runtime"


class Models:
    """The models of a compiled network, built and connected.

    Parameters
    ----------
    executable : Executable

    Attributes
    ----------
    hub : Hub
    of : dict
        The model of each Process.
    by_id : dict
        The same by the Process's ``id``.
    domains : list of LoihiDomain and AsyncModel

    Raises
    ------
    NotImplementedError
        When a Process has a model for something else than Python.
    Exception
        Whatever building a model raises.
    """

    def __init__(self, executable: Executable) -> None:
        self.hub = Hub(self._note)
        self._builders: dict[Any, Any] = executable.proc_builders
        self._channels: list[Channel] = []
        self._pipes: list[tuple[Any, str]] = []
        self._processes: dict[int, Any] = {}
        self.of: dict[Any, Any] = {}
        self._check(executable)
        try:
            self._connect(executable)
            for process, builder in self._builders.items():
                self._open_pipes(process, builder)
                self._build(process, builder)
        except BaseException:
            self.close()
            raise
        self.by_id = {process.id: model for process, model in self.of.items()}
        self.domains = self._domains(executable, self._sources(executable))

    def _check(self, executable: Executable) -> None:
        for process, builder in self._builders.items():
            if not isinstance(builder, PyProcessBuilder):
                name = getattr(process.model_class, "__name__", "model in hardware")
                raise NotImplementedError(OTHER.format(_name(process), name))
        for builder in executable.channel_builders:
            if not isinstance(builder, ChannelBuilderMp):
                text = f"a channel of type {type(builder).__name__}"
                raise NotImplementedError(OTHER.format("the network", text))

    def _connect(self, executable: Executable) -> None:
        for builder in executable.channel_builders:
            src, dst = builder.src_port_initializer, builder.dst_port_initializer
            sender, receiver = builder.src_process, builder.dst_process
            channel = Channel(
                self.hub,
                f"{_name(sender)}.{src.name}",
                f"{_name(receiver)}.{dst.name}",
                src.name,
                dst.name,
                src.shape,
                src.d_type,
                src.size,
            )
            self._channels.append(channel)
            self._builders[sender].set_csp_ports([channel.src_port])
            self._builders[receiver].set_csp_ports([channel.dst_port])
            # Virtual ports transform by what a message has come from.
            source = create_port_id(sender.id, src.name)
            self._builders[receiver].add_csp_port_mapping(source, channel.dst_port)

    def _open_pipes(self, process: Any, builder: Any) -> None:
        for name, initializer in builder.py_ports.items():
            port: Any = getattr(process, name)
            if not port.external_pipe_flag:
                continue
            inward = port in process.in_ports.members
            here, there = f"{_name(process)}.{name}", f"the pipe of {process.name}"
            ends = (there, here, "src", name) if inward else (here, there, name, "dst")
            size = port.external_pipe_buffer_size
            pipe = Pipe(
                inward, self.hub, *ends, initializer.shape, initializer.d_type, size
            )
            self._channels.append(pipe)
            if inward:
                builder.set_csp_ports([pipe.dst_port])
                port.external_pipe_csp_send_port = pipe.src_port
            else:
                builder.set_csp_ports([pipe.src_port])
                port.external_pipe_csp_recv_port = pipe.dst_port

    def _open_wire(self, process: Any) -> None:
        """Give a VarWire a pipe in place of its channel for another process.

        Lava makes that one before the network is compiled; it stays where a thread
        waits at its end already.
        """
        old = process._pm_to_p_dst_port
        if not old._queue.not_empty._waiters:
            names = f"{_name(process)}.wire_tap", f"the wire of {process.name}"
            form = old.shape, old.d_type, process.buffer_size
            pipe = Pipe(False, self.hub, *names, "src", "dst", *form)
            self._channels.append(pipe)
            process.proc_params["pm_to_p_src_port"].join()
            old.join()
            process.proc_params.overwrite("pm_to_p_src_port", pipe.src_port)
            process._pm_to_p_dst_port = pipe.dst_port

    def _build(self, process: Any, builder: Any) -> None:
        if isinstance(process, VarWire):
            self._open_wire(process)
        builder._proc_model = quick(builder.proc_model)
        model: Any = builder.build()
        self.of[process], self._processes[id(model)] = model, process
        for name, initializer in builder.vars.items():
            if isinstance(initializer.value, csr_matrix):
                # Lava's builder copies arrays; in another process this is a copy too.
                setattr(model, name, getattr(model, name).copy())
        model.service_to_process, model.process_to_service = Command(self.hub), Answer()
        quicken(model)
        for port in model.py_ports:
            port.start()
            shorten(port)
        if isinstance(model, PyLoihiInjectorModel | PyLoihiInjectorModelAsync):
            # What its __del__ ends, which nothing sets.
            vars(model)["_p_to_pm_dst_port"] = Answer()

    def _sources(self, executable: Executable) -> dict[Any, list[Any]]:
        sources: dict[Any, list[Any]] = {}
        for builder in executable.channel_builders:
            receiver = self.of[builder.dst_process]
            sources.setdefault(receiver, []).append(self.of[builder.src_process])
        return sources

    def _domains(
        self, executable: Executable, sources: dict[Any, list[Any]]
    ) -> list[Any]:
        domains: list[Any] = []
        for service in (executable.runtime_service_builders or {}).values():
            models = [self.by_id[i] for i in sorted(service._model_ids)]
            loihi = [m for m in models if isinstance(m, PyLoihiProcessModel)]
            if loihi:
                domains.append(LoihiDomain(self.hub, loihi, sources))
            for model in models:
                if isinstance(model, PyAsyncProcessModel):
                    domains.append(AsyncModel(self.hub, model))
                elif not isinstance(model, PyLoihiProcessModel):
                    name = _name(self._processes[id(model)])
                    raise NotImplementedError(OTHER.format(name, type(model).__name__))
        return domains

    def _note(self, error: BaseException, model: Any) -> None:
        """Add to an error which process has raised it, and when."""
        process = self._processes.get(id(model))
        if process is not None:
            step = getattr(model, "time_step", None)
            when = "" if step is None else f", time step {step}"
            add_note(error, f"in {_name(process)}, model {type(model).__name__}{when}")

    def close(self) -> None:
        """Let go of all that belongs to the network."""
        for channel in self._channels:
            channel.close()
        for model in self.of.values():
            model.join()
        for builder in self._builders.values():
            builder.csp_ports.clear()
            builder._csp_port_map.clear()
        self.of, self.by_id, self.domains = {}, {}, []
        self._processes, self._channels = {}, []


class ModelError(Exception):
    """The cause of a model's exception that has no other: where it was raised.

    Python shows notes from 3.11 on; before, it shows a cause.
    """


def add_note(error: BaseException, note: str) -> None:
    """PEP 678's ``add_note``, also before Python 3.11."""
    if hasattr(error, "add_note"):
        error.add_note(note)  # type: ignore[attr-defined]
        return
    error.__notes__ = [*getattr(error, "__notes__", ()), note]  # type: ignore[attr-defined]
    if error.__cause__ is None and not error.__suppress_context__:
        error.__cause__ = ModelError(note)


def _name(process: AbstractProcess) -> str:
    return f"{process.name} ({type(process).__name__})"
