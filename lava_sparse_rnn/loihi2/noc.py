# SPDX-License-Identifier: BSD-3-Clause
"""The network on chip: where cores are, and which links a message takes.

A mesh of routers, cores around each, XY routing: east or west first, then north or
south (Intel's Loihi 2 technology brief, second-hand). How chips are joined is not
in it: a message to another chip is counted as a crossing, and its way is unknown.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from lava_sparse_rnn.loihi2.chip import Chip

IntArray = NDArray[np.int64]


class Mesh:
    """Routers and links of one chip.

    Places are numbered along a snake through the columns of routers, so that cores
    with neighbouring numbers are neighbours on the chip.

    Parameters
    ----------
    chip : Chip

    Attributes
    ----------
    routers : int
    links : int
        Directed links between neighbouring routers: first those between columns,
        eastward then westward, then those between rows, southward then northward.
    """

    def __init__(self, chip: Chip) -> None:
        self.nx, self.ny = chip.routers_x, chip.routers_y
        self.per_router = chip.cores_per_router
        self.routers = self.nx * self.ny
        self._across = (self.nx - 1) * self.ny
        self._along = self.nx * (self.ny - 1)
        self.links = 2 * (self._across + self._along)
        self._routes: dict[int, NDArray[np.float32]] = {}

    @cached_property
    def _snake(self) -> IntArray:
        """Router numbers ``y * nx + x`` in the order of places."""
        columns = np.arange(self.routers).reshape(self.ny, self.nx).T.copy()
        columns[1::2] = columns[1::2, ::-1]
        return columns.ravel()

    def router_of(self, place: NDArray) -> IntArray:
        """Router of places on one chip."""
        return self._snake[np.asarray(place) // self.per_router]

    def position(self, router: NDArray) -> tuple[IntArray, IntArray]:
        """(x, y) of routers; x counts to the east, y to the south."""
        return np.asarray(router) % self.nx, np.asarray(router) // self.nx

    def hops(self, a: NDArray, b: NDArray) -> tuple[IntArray, IntArray]:
        """Links of an XY route from router ``a`` to ``b``: (east-west, north-south)."""
        (ax, ay), (bx, by) = self.position(a), self.position(b)
        return np.abs(ax - bx), np.abs(ay - by)

    def describe(self, link: int) -> str:
        """Both ends of a link, for messages: ``router (x, y) to (x, y)``."""
        routers = self._ends[link]
        (ax, bx), (ay, by) = self.position(np.array(routers))
        return f"router ({ax}, {ay}) to ({bx}, {by})"

    @cached_property
    def _ends(self) -> dict[int, tuple[int, int]]:
        """The two routers of every link."""
        ends = {}
        for a in range(self.routers):
            routes = self.routes_from(a)
            for b in np.flatnonzero(routes.sum(axis=1) == 1):
                ends[int(routes[b].argmax())] = (a, int(b))
        return ends

    def routes_from(self, router: int) -> NDArray[np.float32]:
        """Which links lead to each router, shape (routers, links), 0 or 1."""
        if router not in self._routes:
            self._routes[router] = self._all_routes(router)
        return self._routes[router]

    def _all_routes(self, router: int) -> NDArray[np.float32]:
        table = np.zeros((self.routers, self.links), np.float32)
        x, y = (int(v) for v in self.position(np.array(router)))
        for target in range(self.routers):
            tx, ty = target % self.nx, target // self.nx
            for column in range(min(x, tx), max(x, tx)):  # along row y
                west = self._across if tx < x else 0
                table[target, west + y * (self.nx - 1) + column] = 1
            for row in range(min(y, ty), max(y, ty)):  # then along column tx
                north = self._along if ty < y else 0
                link = 2 * self._across + north + tx * (self.ny - 1) + row
                table[target, link] = 1
        return table
