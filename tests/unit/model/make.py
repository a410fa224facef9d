"""Readings and channel states out of a few words, and strategies for everything that a reading can hold."""

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from numpy.typing import NDArray

from snapioc.model import DTYPES, MAX_STRING, ChannelStates, DbrType, Metadata, Readings, ReadingsBuilder, Reason, Value

Row: TypeAlias = Reason | tuple[DbrType, Value] | tuple[DbrType, Value, dict[str, Any]]

NUMERIC = [dbr_type for dbr_type in DbrType if dbr_type is not DbrType.STRING]


def readings(*rows: Row) -> Readings:
    """Readings with these rows: a Reason, or a type and a value, perhaps with more arguments of `add`."""
    builder = ReadingsBuilder(len(rows))
    for number, row in enumerate(rows):
        if isinstance(row, Reason):
            builder.missing(number, row)
        else:
            dbr_type, value, more = row if len(row) == 3 else (*row, {})
            builder.add(number, dbr_type, value, **more)
    return builder.build()


def enum(value: Value, *labels: str) -> Row:
    """An enum with these labels."""
    return DbrType.ENUM, value, {"metadata": Metadata(labels=labels)}


def array(dbr_type: DbrType, *numbers: float) -> NDArray[Any]:
    """An array of the type's own dtype."""
    return np.array(numbers, DTYPES[dbr_type])


def live(*rows: tuple[DbrType, int] | tuple[DbrType, int, Sequence[str]]) -> ChannelStates:
    """Connected, readable and writable channels: type, element count and labels of each."""
    yes = np.ones(len(rows), np.bool_)
    return ChannelStates(
        ever_connected=yes.copy(),
        connected=yes.copy(),
        readable=yes.copy(),
        writable=yes.copy(),
        dbr_type=np.array([row[0] for row in rows], np.uint8),
        element_count=np.array([row[1] for row in rows], np.int32),
        metadata=np.arange(len(rows), dtype=np.int32),
        metadatas=[Metadata(labels=tuple(row[2]) if len(row) == 3 else ()) for row in rows],
    )


def same_bits(left: Value | None, right: Value | None) -> bool:
    """True if two values are the same to the last bit, of one type."""
    if isinstance(left, np.ndarray) and isinstance(right, np.ndarray):
        return left.dtype == right.dtype and left.tobytes() == right.tobytes()
    if isinstance(left, float) and isinstance(right, float):
        return np.float64(left).tobytes() == np.float64(right).tobytes()
    return type(left) is type(right) and left == right


def bits_of(dbr_type: DbrType, size: st.SearchStrategy[int]) -> st.SearchStrategy[NDArray[Any]]:
    """Arrays of a numeric type out of any bits at all: every NaN, signalling ones too, -0.0, subnormal numbers."""
    dtype = DTYPES[dbr_type]
    raw = npst.arrays(np.dtype(f"<u{dtype.itemsize}"), size)
    return raw.map(lambda bits: bits.view(dtype))


TEXT_BYTES = st.binary(max_size=MAX_STRING - 1).map(lambda raw: raw.split(b"\0", 1)[0])
LONG_TEXT = st.binary(max_size=300).map(lambda raw: raw.split(b"\0", 1)[0])
VALUES: st.SearchStrategy[tuple[DbrType, Value]] = st.one_of(
    *(st.tuples(st.just(dbr_type), bits_of(dbr_type, st.integers(0, 5))) for dbr_type in NUMERIC),
    st.tuples(st.just(DbrType.STRING), LONG_TEXT),
    st.tuples(st.just(DbrType.STRING), st.lists(TEXT_BYTES, max_size=4)),
)
METADATA = st.builds(
    Metadata,
    units=st.text(max_size=7),
    precision=st.integers(-1, 15),
    labels=st.lists(st.text(max_size=3), max_size=3).map(tuple),
    limits=st.just(()) | st.tuples(*[st.floats(allow_nan=False)] * 8),
    element_count=st.integers(1, 9),
)
MORE = st.fixed_dictionaries(
    {},
    optional={
        "seconds": st.integers(0, 2**32 - 1),
        "nanoseconds": st.integers(0, 999_999_999),
        "status": st.integers(0, 2**16 - 1),
        "severity": st.integers(0, 3),
        "metadata": st.none() | METADATA,
    },
)
REASONS = st.sampled_from([reason for reason in Reason if reason is not Reason.OK])
ROWS: st.SearchStrategy[Row] = REASONS | st.builds(lambda value, more: (*value, more), VALUES, MORE)
