"""The names of what is measured and of who takes part, as they stand in the table, the plot and the JSON file."""

CONNECT = "cold connect"
FIRST_READ = "first read"
READ = "warm read"
READ_BETWEEN = "warm read between saves and restores"
TRIGGER_FIRST = "TRIGGER, the first"
TRIGGER_CHANGED = "TRIGGER, all changed"
TRIGGER_SAME = "TRIGGER, nothing changed"
RESTORE = "restore or put, and read back"
COMPARE = "COMPARE_ID with the machine"
START = "start until all is connected"

LIBCA = "libca loop (cffi)"
AIOCA = "aioca lists"
PYEPICS = "pyepics"
SQUIRREL = "squirrel way"
SNAPIOC = "snapioc run"


def floor(measure: str) -> tuple[str, str]:
    """What a measure is a multiple of: the libca loop's read of as many PVs, taken in the same turns."""
    between = measure in (TRIGGER_CHANGED, TRIGGER_SAME, RESTORE, COMPARE, READ_BETWEEN)
    return (READ_BETWEEN if between else READ), LIBCA


def engine(name: str) -> str:
    """How an engine is called."""
    return f"snapioc {name} engine"
