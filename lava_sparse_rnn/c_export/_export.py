# SPDX-License-Identifier: BSD-3-Clause
"""From a network description to C files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lava_sparse_rnn.c_export import _c, _fragments
from lava_sparse_rnn.c_export._c import bits_for, identifier, int_type, size_of
from lava_sparse_rnn.c_export._layers import Part, Writer
from lava_sparse_rnn.c_export._memory import Memory
from lava_sparse_rnn.c_export._types import Types
from lava_sparse_rnn.files import as_path, named, replacing
from lava_sparse_rnn.fixed_point import Brief, SpecError, check_flag
from lava_sparse_rnn.spec import Network, Wire, check_network, validate

NARROWEST_TOKEN = 16  # tokens and answers have 16 or 32 bits outside


@dataclass(frozen=True)
class Export(Brief):
    """A network in C99.

    Parameters
    ----------
    prefix : str
        What every exported name begins with.
    files : dict of str to str
        Texts by file name: header, source and an example of their use.
    constant_bytes : int
        Of the arrays of constants.
    state_bytes : int
        Of the state, work space included, without counters of overflows.
    state : str
        The type of the state; a header is called like it, or like the prefix.
    """

    prefix: str
    files: dict[str, str]
    constant_bytes: int
    state_bytes: int
    state: str = ""

    @property
    def sources(self) -> list[str]:
        """Names of the files to compile into a program."""
        return [n for n in self.files if n.endswith(".c") and n != self.main]

    @property
    def main(self) -> str:
        """Name of the example program."""
        return f"{self.prefix}_main.c"

    def _about(self) -> str:
        held = f"{self.constant_bytes:,} bytes of constants, {self.state_bytes:,}"
        return f"{self.prefix!r}: {', '.join(self.files)}; {held} of state"

    def write(self, folder: str | Path, main: bool = False) -> list[Path]:
        """Write header and source, and with ``main`` the example, into a folder.

        Parameters
        ----------
        folder : str or pathlib.Path
            Made where it is missing; the folder around it must be there.
        main : bool

        Returns
        -------
        list of pathlib.Path
            What was written.
        """
        folder = as_path(folder, "folder", SpecError)
        check_flag("main", main)
        with named(folder):
            folder.mkdir(exist_ok=True)
        names = [n for n in self.files if main or n != self.main]
        for name in names:
            with replacing(folder / name) as temporary:
                temporary.write_text(self.files[name], "utf-8")
        return [folder / name for name in names]


def export(network: Network, prefix: str = "network") -> Export:
    """Write a network as self-contained C99.

    The exported ``<prefix>_step`` computes the integers of
    `lava_sparse_rnn.spec.reference`, for every network that a description allows.

    Parameters
    ----------
    network : Network
    prefix : str
        An identifier of C that every exported name begins with.

    Returns
    -------
    Export

    Raises
    ------
    SpecError
        When the prefix is no identifier, or ``network`` is no valid network.
    """
    identifier(prefix)
    check_network(network, "export")
    validate(network)
    types = Types.of(network)
    memory = Memory.of(network, types)
    writer = Writer(network, types)
    names: dict[str, object] = {"prefix": prefix, "PREFIX": prefix.upper()}
    names |= memory.texts() | _interface(network, writer, prefix)
    names |= _source(network, types, writer, names)
    files = {
        f"{prefix}{end}": _fragments.template(f"network{end}").substitute(names)
        for end in (".h", ".c", "_main.c")
    }
    state = f"{prefix}_state"
    return Export(prefix, files, writer.tables.bytes, memory.bytes, state)


def _interface(network: Network, writer: Writer, prefix: str) -> dict[str, object]:
    """What the header says about tokens and answers."""
    texts: dict[str, object] = {}
    for side, wire in (("in", network.layers[0].inp), ("out", network.layers[-1].out)):
        frac_t = int_type(bits_for(wire.frac))
        writer.tables.add(f"{prefix}_{side}_frac", frac_t, wire.frac, storage="")
        texts[f"d_{side}"] = wire.size
        texts[f"{side}_bits"] = wire.bits
        texts[f"{side}_t"] = int_type(max(wire.bits, NARROWEST_TOKEN))
        texts[f"{side}_frac_t"] = frac_t
    texts["check"] = _check(network.layers[0].inp, prefix.upper())
    return texts


def _check(wire: Wire, prefix: str) -> str:
    """The refusal of numbers that do not fit, where their type allows them."""
    c_type = int_type(max(wire.bits, NARROWEST_TOKEN))
    if wire.bits == 8 * size_of(c_type):
        return ""
    low, high = wire.format.lowest, wire.format.highest
    return (
        f"    for (i = 0; i < {prefix}_D_IN; ++i)\n"
        f"        if (in[i] < {low} || in[i] > {high})\n"
        "            return 1;\n"
    )


def _source(
    network: Network, types: Types, writer: Writer, names: dict[str, object]
) -> dict[str, str]:
    """What the source is made of."""
    parts: list[Part] = []
    n_tensors = 0
    for i, layer in enumerate(network.layers):
        parts.append(writer.layer(i, layer, n_tensors))
        n_tensors += len(parts[-1].tensors)
    words = (
        names
        | types.words()
        | {
            "count_t": writer.count_t,
            "tensor_t": int_type(n_tensors.bit_length() + 1),
            "state_type": f"{names['prefix']}_state",
        }
    )
    kinds = {layer.type for layer in network.layers}
    groups = _fragments.groups(network.recipe, kinds, words)
    tensors = (
        ", ".join(f"{names['PREFIX']}_LAYER{i}_{t.upper()}" for t in part.tensors)
        for i, part in enumerate(parts)
    )
    return {
        "wire_t": types.wire_t,
        "tensors": "\n".join(_c.filled(f"{names},") for names in tensors),
        "helpers": _fragments.helpers(groups, network.recipe),
        "groups": groups,
        "tables": "\n\n".join(writer.tables.texts),
        "layers": "\n\n".join(part.structure for part in parts),
        "steps": "\n".join(f"    {part.step}" for part in parts),
    }
