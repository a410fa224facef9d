"""Finding snapshots: the pages that one console shows of the store, and what it edits there. Knows neither CA nor SQL.

Decided: everything is per console, also the loaded values of the selected snapshot, so that two people do not disturb each
other. A page is asked of the store when it is wanted and shown when it is there, whole; the query that was asked for last
wins, and what an earlier one found is not shown. So a put completes when its page is shown, and a script can read it then.
That the list has changed is no query: the parts are told so as often as it happens, and look at most twice a second.

Rows stand still by an anchor, the newest id that they may show, and not by a copy of the list: pages of it need no memory,
and an edited title or a deleted snapshot shows where it stands.
"""

from .browser import Browser
from .filters import Filters, ListKind
from .history import MOST, WANTED
from .pages import ROWS, Shows

__all__ = ["MOST", "ROWS", "WANTED", "Browser", "Filters", "ListKind", "Shows"]
