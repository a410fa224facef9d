"""The CA client. Everything that touches libca lives in one CA thread with an event loop of its own.

Decided: libca blocks for seconds on a hung IOC (29.5 s measured in puts), and aioca's list calls hold a loop for seconds
(7.8 s for 40,000 PVs), so neither may run in the loop that serves the control PVs. A channel whose last request is not
answered is not asked again: libca would block after some rounds. EPICS_CA_CONN_TMO is 5 unless the environment says
otherwise, so that a hung circuit is given up early. One CaChannels per process: libca's context and aioca are global.
"""

from .ca_channels import CaChannels

__all__ = ["CaChannels"]
