"""The demo machine: a small accelerator and beamline of about 1,000 records, for trying snapioc and for its tests.

Decided: the machine is a real C IOC (the one that comes with epicscorelibs), not a simulation of ours, because what snapioc
has to get right is what real records do. It serves Channel Access alone: the IOC's pvAccess part listens on every
interface, whatever it is told. The working directory keeps what is in it, so a second run finds the snapshots of the first.
"""

from .devices import PREFIX, RECORDS, devices
from .folder import prepare
from .machine import DemoMachine
from .network import LOOPBACK, client_variables, free_port, server_environment

__all__ = [
    "LOOPBACK",
    "PREFIX",
    "RECORDS",
    "DemoMachine",
    "client_variables",
    "devices",
    "free_port",
    "prepare",
    "server_environment",
]
