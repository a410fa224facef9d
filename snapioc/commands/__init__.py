"""The commands of the command line, a module each: `add_to` declares its arguments, and sets what acts on them.

Decided: the commands that read (`check`, `list`, `show`, `diff`, `events`, `restores`, `restore-log`, `audit`) need no
running IOC and never migrate or create a store, so they are safe beside an IOC of any version. What people see and what
`--json` gives come from the same data; tables are for eyes and may change, JSON only grows. What only some commands need
(libca, caproto) is imported when they act: `snapioc list` then starts in half the time, and on machines where libca does
not load.
"""
