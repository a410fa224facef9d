"""Values in a person's words."""

import pytest

from snapioc.model import DbrType, Flag, Reason, decode, shown, value_text
from tests.unit.model.make import Row, array, enum, readings

D, F, L, T = DbrType.DOUBLE, DbrType.FLOAT, DbrType.LONG, DbrType.STRING


@pytest.mark.parametrize(
    ("row", "text"),
    [
        ((D, 0.1), "0.1"),
        ((D, -0.0), "-0.0"),
        ((D, float("nan")), "nan"),
        ((F, 0.1), "0.1"),
        ((F, 1e30), "1e+30"),
        ((L, -(2**31)), "-2147483648"),
        (enum(1, "Off", "On"), "On (1)"),
        (enum(7, "Off", "On"), "7"),
        (enum(1), "1"),
        (enum(0, "a\tb"), "a\\x09b (0)"),
        ((T, b""), '""'),
        ((T, b"two words"), '"two words"'),
        ((T, "Ä".encode()), '"Ä"'),
        ((T, b"caf\xe9\n"), '"café\\x0a"'),
        ((D, array(D)), "[] (0)"),
        ((D, array(D, 1, 2.5)), "[1.0, 2.5] (2)"),
        ((L, array(L, 1, 2, 3, 4, 5)), "[1, 2, 3, 4, 5] (5)"),
        ((L, array(L, 1, 2, 3, 4, 5, 6)), "[1, 2, 3, 4, 5, ...] (6)"),
        ((F, array(F, 0.1, 0.2)), "[0.1, 0.2] (2)"),
        (enum(array(DbrType.ENUM, 1, 0), "Off", "On"), "[On (1), Off (0)] (2)"),
        ((T, [b"a", b""]), '["a", ""] (2)'),
        (Reason.NO_ANSWER, "[no answer in time]"),
    ],
)
def test_value_text(row: Row, text: str) -> None:
    assert value_text(readings(row).reading(0)) == text


@pytest.mark.parametrize(
    ("row", "text"),
    [
        ((D, 0.1), "0.1"),
        ((DbrType.CHAR, array(DbrType.CHAR, *b"a text\0\0")), '"a text" (char array of 8)'),
        ((DbrType.CHAR, array(DbrType.CHAR, *b"a\0b")), "[97, 0, 98] (3)"),
        ((DbrType.CHAR, array(DbrType.CHAR, *b"a\tb")), "[97, 9, 98] (3)"),
        ((DbrType.CHAR, array(DbrType.CHAR)), "[] (0)"),
        ((T, b"x" * 39, {"flags": Flag.CUT}), f'"{"x" * 39}" [cut when it was read]'),
        (Reason.NO_ANSWER, "[no answer in time]"),
    ],
)
def test_what_people_are_shown(row: Row, text: str) -> None:
    assert shown(readings(row).reading(0)) == text


def test_bytes_that_are_no_utf8_are_shown_all_the_same() -> None:
    assert (decode("Ä".encode()), decode(b"\xc4")) == ("Ä", "Ä")


def test_every_reason_has_its_words() -> None:
    assert len({reason.text for reason in Reason}) == len(Reason)
