"""Files of other tools and of people: request files become sets. Parsing only: no CA, no store, no configuration.

Decided: the two parsers (`request_list`, `table`) are pure, they turn text into numbered entries and never raise for what
a line holds. `set_reader` alone opens files, follows includes and knows the set, so every fault of every file is found in
one go and each carries `file:line`. The syntax is what autosave R6 and PSI snapshot accept, so that the request files of a
plant work unchanged; where the two ignore a line in silence, we refuse it, because a PV that is quietly not saved is only
missed on the day it is needed. Macros are our own sixty lines, not libCom's macLib: macLib
copies an undefined or unclosed reference into the result where we need an error, and it would bind the parsing of files to
the CA libraries. A test holds the two against each other.
"""

from .set_reader import SetFile, read_set
from .source import read_text

__all__ = ["SetFile", "read_set", "read_text"]
