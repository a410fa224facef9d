"""The CA client. Everything that touches libca lives in one CA thread with an event loop of its own.

Decided: libca blocks for seconds on a hung IOC (29.5 s measured in puts), and aioca's list calls hold a loop for seconds
(7.8 s for 40,000 PVs), so neither may run in the loop that serves the control PVs. `CaThread` is the thread, its deadline
and its end; an `Engine` is what runs in it. One CaChannels at a time per process: libca's context and aioca are global.

A channel whose last request is not answered is not asked again, and no circuit is given more than libca sends without
blocking: a hung IOC costs those who ask it their deadline, and nobody else anything.

A server that holds its connection but does not answer is called hung (`breaker`): after 7 s when nobody reads, for each is
asked for something when it was silent. Its PVs are missing at once then, nothing is sent to it but the one question that is
on its way, and whatever it says ends that. What one read has waited for in vain the next does not wait for. libca's own word
comes later (twice EPICS_CA_CONN_TMO), and its ca_receive_watchdog_delay counts beacons as life, and its own questions.

Events (`subscribe`) cross over in batches, at most 50 a second. Decided: none is left out on this side of the TCP connection
without a row that says so. A queue that keeps only the newest event per PV was the alternative: a window snapshot needs all.

There are two engines with one test suite. `bulk` is the one that is used: see its docstring. `aioca_engine` is the
reference, and will serve what is not bulk. In it aioca makes and keeps the channels, follows property changes and does the
puts. The get is libca's own, on aioca's channels: aioca.caget returns leftover memory for an empty array of one element,
raises IndexError for an lso that was never written, drops a bit of a signalling float32 NaN, and replaces what is not UTF-8
in labels and units.

EPICS_CA_CONN_TMO is 5 unless the environment says otherwise, so that a hung circuit is given up after some 10 s and not 35,
and EPICS_CA_MAX_SEARCH_PERIOD is 60, the least libca takes, so that an IOC that comes back after hours is found in a minute.
"""

from .ca_channels import CaChannels
from .engine import Engine

__all__ = ["CaChannels", "Engine"]
