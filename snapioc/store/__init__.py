"""Where snapshots and restores are kept: SQLAlchemy on SQLite, values as content-addressed blocks.

Decided, and hard to undo:

*Blocks.* A snapshot is, per column (value bits, seconds, nanoseconds, alarm, shape, lengths) and per position of 1,024
slots, a reference to a block that is stored once per distinct content, plus blocks of texts and arrays. A PV keeps its slot
in a set for ever, so that neither an unchanged value nor an edited file costs anything. A row per value costs 13 times the
time and ten times the space; one blob per snapshot stores all of it again for one PV that moved, and reads all of it for the
history of one PV.

*Digests are of the content*, not of what zstd makes of it: another level or version of zstd still finds the blocks that are
there. Metadata ids inside the SHAPE blocks are those of the whole database, so that equal readings make equal blocks.

*Members of a set are blocks too*, in slot order, and the order of the file is kept apart. A row per member and version was
the alternative: 10 MB for each version of a set of 40,000.

*A restore is a row that is committed with its undo snapshot before the first write*, and ended once. Its verdicts are one
blob of its own: they are read together, nothing is ever asked of one PV over many restores, and a row per PV and restore
would cost more than the values do. What UNDO or a recovery needs cannot be deleted; that is a rule of `restores`, not a
foreign key, because the record stays when its snapshots go.

*Events of a window snapshot are blocks too*, laid out as values are, with the number of the event in the place of the slot.
A row per event would cost forty bytes and ten microseconds each, and a blob of all of them would store types, severities and
metadata again with every window.

*Deleting is two things.* The header goes at once, with its links, and notes in the same transaction which blocks only it
had; `tidy` looks at these later, some at a time, so that nobody waits for the space of a million values. It looks again,
because a save may have come to use a block meanwhile. Nothing is swept at the start: whoever runs the store calls `tidy`
until it is done.

*Lists are served by indexes that hold all that a filter asks of a row* but its title, each in the order of the list within a
kind. `snapshot.set_id` stands there a second time for them. Titles are looked at one by one, with a regular expression:
LIKE knows the case of ASCII letters only, and no index helps with a part of a text.

*What restores and people did outlives what they did it to*: neither `restore` nor `audit` has a foreign key to a snapshot.

*No ORM.* Only Core statements: nothing here has an identity that changes, and a value is never a Python object.

*A removed or replaced file is noticed* by its device and inode, before each operation and after each commit. SQLite itself
would go on writing into the unlinked file, and would write an old log that was left behind over the pages of a new file:
that is refused. After any failure the connections are dropped and made anew: the one way to recover that does not depend on
what failed.
"""

from .claim import claimed
from .store import SqlStore

__all__ = ["SqlStore", "claimed"]
