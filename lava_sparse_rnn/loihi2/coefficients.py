# SPDX-License-Identifier: BSD-3-Clause
"""What an event costs: named presets, and values that users have measured.

A field without a value is None. A cost never guesses it: its term is left out, and
the result names it.
"""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from lava_sparse_rnn.files import as_path
from lava_sparse_rnn.loihi2._tables import read_table
from lava_sparse_rnn.loihi2.errors import Loihi2Error


def _cost(description: str) -> float | None:
    return Field(
        default=None, ge=0, allow_inf_nan=False, description=description, strict=True
    )


class Coefficients(BaseModel):
    """Time (ns) and energy (pJ) of events.

    Attributes
    ----------
    name : str
        Stands beside every number that comes from these values.
    source : str
        Where they come from.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=1)
    source: str = Field(min_length=1)

    sparse_synop_ns: float | None = _cost("synapse met, sparse format")
    dense_synop_ns: float | None = _cost("synapse met, dense format")
    memory_read_ns: float | None = _cost("word of synaptic memory read")
    neuron_access_ns: float | None = _cost("neuron fetched for an update")
    neuron_update_ns: float | None = _cost("update, whatever the program")
    instruction_ns: float | None = _cost("instruction of a neuron program")
    spike_ns: float | None = _cost("payload made")
    message_out_ns: float | None = _cost("message leaves a core")
    message_in_ns: float | None = _cost("message enters a core")
    link_bits_per_ns: float | None = Field(
        default=None, gt=0, description="bandwidth of a link between routers"
    )
    header_bits: float | None = _cost("bits of a message besides its payload")
    barrier_ns: float | None = _cost("least time of a step")

    sparse_synop_pj: float | None = _cost("synapse met, sparse format")
    dense_synop_pj: float | None = _cost("synapse met, dense format")
    memory_read_pj: float | None = _cost("word of synaptic memory read")
    neuron_access_pj: float | None = _cost("neuron fetched for an update")
    neuron_update_pj: float | None = _cost("update, whatever the program")
    instruction_pj: float | None = _cost("instruction of a neuron program")
    spike_pj: float | None = _cost("payload made")
    message_out_pj: float | None = _cost("message leaves a core")
    message_in_pj: float | None = _cost("message enters a core")
    hop_east_west_pj: float | None = _cost("link between columns of routers")
    hop_north_south_pj: float | None = _cost("link between rows of routers")
    chip_crossing_pj: float | None = _cost("message from chip to chip")
    static_mw: float | None = _cost("power of an idle chip")

    def value(self, name: str) -> float | None:
        """The coefficient of that name."""
        return getattr(self, name)


PRESETS: dict[str, Coefficients] = {
    c.name: c
    for c in (
        # Every figure is from SANA-FE's architecture file loihi.yaml, calibrated
        # against Davies et al. 2018; stated error of the fit: 11.7 % of energy,
        # 24.3 % of latency. It counts an update of Loihi 1's fixed neuron as one
        # event and leaves out static power. Hops have a latency there (4.1 ns east
        # or west, 6.5 ns north or south) but no bandwidth, which a link's term needs.
        Coefficients(
            name="loihi1",
            source=(
                "Loihi 1, not Loihi 2: SANA-FE's loihi.yaml, calibrated against "
                "Davies et al. 2018; static power excluded"
            ),
            sparse_synop_ns=4.7,
            sparse_synop_pj=33.6,
            dense_synop_ns=3.8,
            dense_synop_pj=35.5,
            neuron_access_ns=6.0,
            neuron_access_pj=51.2,
            neuron_update_ns=3.7,
            neuron_update_pj=21.6,
            spike_ns=30.0,
            spike_pj=69.3,
            message_out_ns=5.1,
            message_out_pj=111.0,
            message_in_ns=16.0,
            message_in_pj=0.0,
            hop_east_west_pj=3.0,
            hop_north_south_pj=4.2,
            barrier_ns=600.0,  # 0.6 to 1.8 us: the lower end, as for a lower bound
        ),
        # No public value per operation of Loihi 2 was found; counts are all there is.
        Coefficients(
            name="loihi2", source="Loihi 2: no coefficient is public, all are left out"
        ),
    )
}
"""Coefficients by name, each with its source."""


def as_coefficients(preset: Coefficients | str | Path) -> Coefficients:
    """Coefficients from themselves, a preset's name, or a JSON or TOML file.

    Raises
    ------
    Loihi2Error
    """
    if isinstance(preset, Coefficients):
        return preset
    if str(preset) in PRESETS:
        return PRESETS[str(preset)]
    if as_path(preset, "preset", Loihi2Error).suffix:
        return read_table(preset, Coefficients)
    known = ", ".join(PRESETS)
    raise Loihi2Error(f"preset {str(preset)!r}, must be one of: {known}; or a file")
