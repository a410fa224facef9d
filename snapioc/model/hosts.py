"""HostState: how a server of the machine is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class HostState:
    """One server of the machine: how many PVs it has or had, how many are connected, and how it answers.

    `silent` is how many seconds ago it was last heard. A server is `hung` if it holds its connection but does not answer.
    """

    host: str
    pvs: int
    connected: int
    silent: float
    hung: bool
