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

*No ORM.* Only Core statements: nothing here has an identity that changes, and a value is never a Python object.

*A removed or replaced file is noticed* by its device and inode, before each operation and after each commit. SQLite itself
would go on writing into the unlinked file, and would write an old log that was left behind over the pages of a new file:
that is refused. After any failure the connections are dropped and made anew: the one way to recover that does not depend on
what failed.
"""

from .store import SqlStore

__all__ = ["SqlStore"]
