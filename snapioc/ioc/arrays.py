"""Arrays that we serve, all read-only: waveform records. Empty ones are served with no element, as by a C IOC."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from caproto import ChannelType

from snapioc.model import Severity

from .circuit import read_count
from .snap_pv import SnapPv
from .wire import INT32, number_in, padded


class ArrayPv(SnapPv):
    """A waveform of at most `elements`; its value is a tuple."""

    record = ("waveform", "waveform")
    initial: ClassVar[Any] = ()
    ftvl: ClassVar[str] = "DOUBLE"

    def __init__(self, *, elements: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._max_length = elements

    async def post(self, value: Any, severity: Severity | None = None, *, force: bool = False) -> None:
        """Show the first of these values, as many as there may be."""
        await super().post(tuple(value)[: self._max_length], severity, force=force)

    async def read(self, data_type: Any) -> Any:
        """The values as any DBR type; filled up if a client wants more, as by a C IOC (camessage.c, read_reply)."""
        metadata, values = await super().read(data_type)
        return metadata, padded(values, min(read_count.get(), self._max_length))


class StringArrayPv(ArrayPv):
    """Short texts."""

    data_type = ChannelType.STRING
    initial = ("",)
    ftvl = "STRING"

    def __init__(self, *, elements: int = 64, **kwargs: Any) -> None:
        super().__init__(elements=elements, **kwargs)

    def as_texts(self, value: tuple[str, ...]) -> Sequence[str]:
        """The texts."""
        return value

    def as_numbers(self, value: tuple[str, ...]) -> Sequence[float]:
        """The numbers that the texts hold."""
        return [number_in(text) for text in value]


class LongArrayPv(ArrayPv):
    """32-bit integers."""

    data_type = ChannelType.LONG
    ftvl = "LONG"
    limits = INT32

    def as_texts(self, value: tuple[int, ...]) -> Sequence[str]:
        """The numbers."""
        return [str(number) for number in value]

    def as_numbers(self, value: tuple[int, ...]) -> Sequence[float]:
        """The numbers."""
        return value

    def field_values(self) -> Mapping[str, str | float]:
        """Units, precision and limits."""
        return {"EGU": self.units, "PREC": 0, "HOPR": self.limits[1], "LOPR": self.limits[0]}


class DoubleArrayPv(ArrayPv):
    """Numbers; NaN where there is none. A value that is NaN again counts as equal if it is `math.nan`."""

    data_type = ChannelType.DOUBLE

    def __init__(self, *, elements: int, units: str = "", precision: int = 3, **kwargs: Any) -> None:
        self.units, self.precision = units, precision
        super().__init__(elements=elements, **kwargs)

    def as_texts(self, value: tuple[float, ...]) -> Sequence[str]:
        """The numbers in the shortest form that gives them back."""
        return [str(number) for number in value]

    def as_numbers(self, value: tuple[float, ...]) -> Sequence[float]:
        """The numbers."""
        return value

    def field_values(self) -> Mapping[str, str | float]:
        """Units, precision and limits."""
        return {"EGU": self.units, "PREC": self.precision, "HOPR": self.limits[1], "LOPR": self.limits[0]}
