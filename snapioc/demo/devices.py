"""What the demo machine is made of: record files of this package, each loaded once per device with its macros.

Decided: the IOC itself expands the macros (`-m ... -d ...` once per device), as in a real IOC, instead of us writing the
expanded records: what stands in `records/` is what EPICS people know, and what is loaded.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TypeAlias

PREFIX = "DEMO:"
"""What every PV name of the demo machine begins with."""

RECORDS = Path(__file__).with_name("records")
"""Where the record files lie."""

Device: TypeAlias = tuple[str, Mapping[str, str]]
"""A record file, and the macros it is loaded with."""

_CELLS = 12
_SECTIONS = 24
_CAVITY_NOTE = "Retuned after the window was changed; do not go above 420 kV before it is conditioned again."

_AXES = (
    ("SLIT1-X1", "-1.25", "mm", "Slit 1, left blade"),
    ("SLIT1-X2", "1.25", "mm", "Slit 1, right blade"),
    ("SLIT1-Y1", "-0.5", "mm", "Slit 1, lower blade"),
    ("SLIT1-Y2", "0.5", "mm", "Slit 1, upper blade"),
    ("MONO-BRAGG", "8.9871", "deg", "Monochromator, Bragg angle"),
    ("MONO-PITCH", "0.0213", "mrad", "Second crystal, pitch"),
    ("MONO-ROLL", "-0.115", "mrad", "Second crystal, roll"),
    ("MIRROR-Y", "3.4", "mm", "Mirror, height"),
    ("MIRROR-PITCH", "2.8", "mrad", "Mirror, pitch"),
    ("MIRROR-BEND", "11.02", "mm", "Mirror, bender"),
    ("SLIT2-X", "0.04", "mm", "Slit 2, horizontal gap"),
    ("SLIT2-Y", "0.02", "mm", "Slit 2, vertical gap"),
    ("SAMPLE-X", "-0.3317", "mm", "Sample, along the beam"),
    ("SAMPLE-Y", "1.0442", "mm", "Sample, height"),
    ("SAMPLE-Z", "0.0", "mm", "Sample, across the beam"),
    ("DETECTOR-Z", "180.25", "mm", "Detector, distance"),
)
"""Name, position, unit and label of each axis of the beamline."""

_BUFFERS = (
    ("STRING", '["gate", "trigger in", "thirty-nine bytes, the longest that fit"]', '["left", ""]'),
    ("CHAR", "[-128, 0, 127]", "[-1, 1]"),
    ("UCHAR", "[0, 128, 255]", "[255]"),
    ("SHORT", "[-32768, 0, 32767]", "[-5, 7]"),
    ("USHORT", "[0, 32768, 65535]", "[40000]"),
    ("LONG", "[-2147483648, 0, 2147483647]", "[-70000, 70000]"),
    ("ULONG", "[0, 2147483648, 4294967295]", "[3000000000]"),
    ("INT64", "[-9007199254740992, 0, 9007199254740992]", "[-1, 1099511627776]"),
    ("UINT64", "[0, 1, 9007199254740992]", "[1099511627776, 5]"),
    ("FLOAT", "[-3.4e38, 0.1, 1.5]", "[0.333333, -0.0]"),
    ("DOUBLE", "[0.1, -1.7976931348623157e308, 5e-324]", "[-0.0, 6.02214076e23]"),
    ("ENUM", "[0, 1, 65535]", "[2, 3]"),
)
"""Of each element type the contents of a full and of a part-filled buffer.

rsrv has no CA type of their own for four of them (db_convert.h, dbDBRnewToDBRold): USHORT goes as LONG; ULONG, INT64 and
UINT64 go as DOUBLE, exact up to 2**53. UCHAR and CHAR both go as CHAR, ENUM has no labels.
"""


def devices() -> Iterator[Device]:
    """Every device of the machine with its record file."""
    yield "magnets.db", {"P": f"{PREFIX}SR:"}
    yield from _power_supplies()
    yield "rf.db", {"P": f"{PREFIX}RF:"}
    for number in range(1, 5):
        note = _CAVITY_NOTE if number % 2 else ""
        yield "cavity.db", {"S": f"{PREFIX}RF:CAV{number}", "PHASE": f"{-41.25 + 90.0 * (number % 3)}", "NOTE": note}
    for number in range(1, _SECTIONS + 1):
        yield "vacuum.db", {"S": f"{PREFIX}VAC:S{number:02}", "LOG": f"{-9.6 + 0.05 * (number * 7 % 11):.2f}"}
    yield "beamline.db", {"P": f"{PREFIX}BL:"}
    for axis, position, unit, label in _AXES:
        yield "axis.db", {"S": f"{PREFIX}BL:{axis}", "POS": position, "EGU": unit, "RANGE": "1000", "LABEL": label}
    for element_type, full, part in _BUFFERS:
        yield "buffer.db", {"S": f"{PREFIX}BL:BUF-{element_type}", "TYPE": element_type, "FULL": full, "PART": part}


def _power_supplies() -> Iterator[Device]:
    families = (
        ("QF", "focusing quadrupole", 88.0, "0", "200"),
        ("QD", "defocusing quadrupole", 71.5, "0", "200"),
        ("SF", "focusing sextupole", 41.25, "0", "120"),
        ("SD", "defocusing sextupole", 55.75, "0", "120"),
        ("CH", "horizontal corrector", 0.0, "-10", "10"),
        ("CV", "vertical corrector", 0.0, "-10", "10"),
    )
    for family, what, current, lowest, highest in families:
        for cell in range(1, _CELLS + 1):
            yield (
                "power_supply.db",
                {
                    "S": f"{PREFIX}SR:{family}{cell:02}",
                    "I": f"{current + 0.0375 * (cell * 5 % 13 - 6):.4f}",
                    "IMIN": lowest,
                    "IMAX": highest,
                    "CHARGE": f"{2**40 + cell * 1_000_003}",
                    "MAGNET": f"{what}, cell {cell}",
                },
            )
