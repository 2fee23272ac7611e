# SPDX-License-Identifier: BSD-3-Clause
"""What a bundle's ``manifest.json`` says, as data that is checked when read.

The JSON schema of these classes is `docs/bundle.schema.json`.
"""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from lava_sparse_rnn.fixed_point import brief
from lava_sparse_rnn.loihi2.chip import Board
from lava_sparse_rnn.loihi2.memory import MemoryModel

FORMAT = "lava_sparse_rnn.bundle"
SCHEMA_VERSION = 1
"""Of the manifest that this release writes."""
FILE = "manifest.json"


def _inside(name: str) -> str:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or str(path) != name or "\\" in name:
        raise ValueError("a file's name leads out of the bundle, or is not normal")
    return name


FileName = Annotated[str, Field(min_length=1), AfterValidator(_inside)]
Count = Annotated[int, Field(ge=0)]
Positive = Annotated[int, Field(ge=1)]
Head = Literal["sequence", "mean", "last"]
Mode = Literal["pipelined", "fall_through"]
MODES: tuple[str, ...] = get_args(Mode)
"""Ways to feed tokens to a bundle."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class NetworkInfo(_Strict):
    """The network as a whole: sizes, policies, and what it is for."""

    d_in: Positive
    d_out: Positive
    latency: Positive = Field(description="time steps from a token to its answer")
    rounding: Literal["floor", "nearest"]
    overflow: Literal["saturate", "wrap"]
    meta: dict[str, Any] = Field(description="as in the network's file, not used here")
    head: Head = Field(
        default="sequence",
        description="what the answers to a sequence's tokens are for: each for itself, "
        "their mean, or the last one",
    )


class WireFormat(_Strict):
    """Integers on a wire: payload ``q`` of neuron ``i`` is ``q / 2**frac[i]``."""

    wire: str
    bits: Annotated[int, Field(ge=2, le=32)]
    frac: list[int]


class OutputWire(_Strict):
    """A wire and the output of the program that speaks on it."""

    wire: str
    output: str
    bits: Annotated[int, Field(ge=2, le=32)]


class Group(_Strict):
    """Neurons that execute one program.

    Neuron groups have a token in step ``depth + t * period``, where steps and tokens
    count from 0; the period is 1 if pipelined, the network's latency in fall-through.
    """

    name: str
    kind: str
    depth: Positive
    neurons: Positive
    program: FileName
    constants: FileName = Field(description="npz: an array (n,) or () per constant")
    timing: dict[Mode, dict[str, int]] = Field(
        description="constants that depend on the mode"
    )
    wires: list[OutputWire]
    counted: dict[str, str] = Field(
        description="names in the program under which overflow counts, and tensors"
    )


class Connection(_Strict):
    """Synapses from one wire to one accumulator of a group."""

    name: str
    source: str = Field(description="a wire, or the input")
    group: str
    accumulator: str
    delay: Positive = Field(description="time steps from sending to arrival")
    weights: FileName = Field(description="npz of a CSR matrix: data, indices, indptr")
    shape: Annotated[list[Positive], Field(min_length=2, max_length=2)]
    bits: Annotated[int, Field(ge=2, le=32)]
    format: Literal["sparse", "dense"]
    entry_bits: Positive = Field(description="of one stored synapse")
    copies: bool = Field(description="an identity that hands a value on")


class Core(_Strict):
    """One neurocore: the neurons ``first`` to ``first + neurons - 1`` of a group.

    Where groups share cores, an entry is a part, and a core has several of them: each
    with its own program, tables and messages.
    """

    group: str
    first: Count
    neurons: Positive
    chip: Count
    core: Count = Field(description="on its chip")
    slot: Count = Field(default=0, description="of the parts on this core, from 0")
    router: Annotated[list[Count], Field(min_length=2, max_length=2)]
    synapses: Count = Field(description="as stored")
    bytes: dict[str, Count] = Field(description="by purpose, by the memory model")


class Golden(_Strict):
    """Sequences, and what the reference executor answers, each from a zero state."""

    input: FileName
    output: FileName
    tokens: Positive = Field(description="of all sequences, which lie in a row")
    lengths: list[Positive] | None = Field(
        default=None, description="tokens of each sequence; by default it is one"
    )
    source: str = Field(description="given, or the seed of random tokens")


class FileEntry(_Strict):
    """What a file must be."""

    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    bytes: Count


class Manifest(_Strict):
    """The whole of a bundle but its arrays and programs."""

    def __repr__(self) -> str:
        parts = ("groups", "connections", "cores", "files")
        sizes = ", ".join(f"{len(getattr(self, name))} {name}" for name in parts)
        return f"loihi2.Manifest({self.made_by}, {brief(self.network)}, {sizes})"

    __str__ = __repr__

    format: Literal["lava_sparse_rnn.bundle"]
    schema_version: Literal[1]
    made_by: str
    network: NetworkInfo
    input: WireFormat
    output: WireFormat
    groups: Annotated[list[Group], Field(min_length=1)]
    connections: list[Connection]
    board: Board
    memory_model: MemoryModel
    cores: Annotated[list[Core], Field(min_length=1)]
    golden: Golden
    files: dict[FileName, FileEntry]

    @property
    def periods(self) -> dict[str, int]:
        """Time steps from one token to the next, by mode."""
        return dict(zip(MODES, (1, self.network.latency), strict=True))


def as_json(manifest: Manifest) -> str:
    """The text of a manifest; what earlier versions did not have only if it is used."""
    unused: dict[str, Any] = {}
    if manifest.network.head == "sequence":
        unused["network"] = {"head"}
    if manifest.golden.lengths is None:
        unused["golden"] = {"lengths"}
    if not any(core.slot for core in manifest.cores):
        unused["cores"] = {"__all__": {"slot"}}
    return manifest.model_dump_json(indent=1, exclude=unused) + "\n"


def json_schema() -> dict[str, Any]:
    """The JSON schema of a manifest, as published in the documentation."""
    schema = Manifest.model_json_schema()
    return schema | {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"{FORMAT}, schema version {SCHEMA_VERSION}",
    }
