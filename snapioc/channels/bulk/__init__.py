"""The bulk engine: lists of any length with one call of libca per PV, and no Python work per value for numbers.

Decided: channels of its own, on the libca and CA context that aioca uses. An aioca channel costs 2 to 4 kB and a coroutine
per request, 150 times what libca itself needs; one of these costs well under 1 kB and is asked with ca_array_get into a
slot of its own. cffi in ABI mode needs no compiler, and its callbacks cost 2 microseconds where those of ctypes cost 12.

What that rests on, each found by experiment or in libca's source:

- ca_pend_io is useless for waiting: one refused get makes it wait for its whole timeout. Every slot is marked EMPTY, and
  looked at again. libca writes under its lock, so after the mark is gone one call that takes that lock makes the slot whole.
- An answer may come after one has given up. A slot belongs to its channel for the life of the process, and a channel whose
  last question is unanswered is not asked again: no late answer finds another buffer, or a freed one.
- When a circuit dies, or hangs for so long that libca calls it disconnected, libca forgets its questions before it says so:
  a disconnection counts as their answer.
- libca blocks when more than 256 kB wait to be sent on a circuit. What is unanswered on each is bounded well below that,
  for reads and writes together; so no call blocks, and no other thread is needed for calls that might.
- ca_array_get pads arrays to the length asked for, so all that can vary in length is read with get-callbacks and count 0.
- A put needs no callback: see `writer`; one that has to be waited for, for hours if need be, does: see `waits`.
- An event costs a callback of some two microseconds, and one more in numpy columns; libca reads from no server while a
  callback runs, and tells servers to leave events out when it falls behind ten full buffers. So callbacks only copy.
- libca keeps a subscription when its channel goes, and its type, too: one that comes back as another is subscribed anew.
  What the callbacks of a channel say and that it went are put into one stream, since only that has their order.
- A circuit is known by the thread that receives it. Its ident would not do, as it is given again; its thread-local does.
- The metadata of numbers come into slots as well (`refresh`): 40,000 in the time of one read, where get-callbacks take five
  times as long. Only fingerprints of them are looked at, unless they have changed.
"""

from .engine import BulkEngine

__all__ = ["BulkEngine"]
