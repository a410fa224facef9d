"""The kinds of PV that we serve: what each takes from a client, how it is shown, and which record it stands for."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from caproto import ChannelType

from snapioc.model import MAX_STRING, Refused, Severity, decode

from .snap_pv import SnapPv
from .wire import INT32, PutValue, characters, number_in, number_of, only, text_of, whole_number

_STATES = ("ZR", "ON", "TW", "TH", "FR", "FV", "SX", "SV", "EI", "NI", "TE", "EL", "TV", "TT", "FT", "FF")


class EnumPv(SnapPv):
    """States with labels and severities: mbbi and mbbo; the value is the index."""

    data_type = ChannelType.ENUM
    record = ("mbbi", "mbbo")
    _names: ClassVar[Sequence[tuple[str, str]]] = tuple((f"{state}ST", f"{state}SV") for state in _STATES)

    def __init__(self, *, labels: tuple[str, ...], severities: Mapping[int, Severity] | None = None, **kwargs: Any) -> None:
        self.labels = labels
        self.severities = severities or {}
        super().__init__(**kwargs)

    def severity_of(self, value: int) -> Severity:
        """The severity of a state."""
        return self.severities.get(value, Severity.NO_ALARM)

    def as_texts(self, value: int) -> Sequence[str]:
        """The label."""
        return [self.labels[value]]

    def parse(self, values: PutValue) -> int:
        """The index of a state that was put as its number, the text of it, or its label."""
        value = only(values)
        if isinstance(value, bytes):
            label = decode(value).strip()
            folded = [known.casefold() for known in self.labels]
            if label in self.labels:
                return self.labels.index(label)
            if label.casefold() in folded:
                return folded.index(label.casefold())
        try:
            index = whole_number(value)
        except Refused as refused:
            raise Refused(f"{refused}, and none of {', '.join(self.labels)}") from refused
        if not 0 <= index < len(self.labels):
            raise Refused(f"there is no state {index}")
        return index

    def field_values(self) -> Mapping[str, str | float]:
        """Labels and severities of the states, as a record names them."""
        fields: dict[str, str | float] = {}
        for index, (label, severity) in enumerate(self._names[: len(self.labels)]):
            fields[label] = self.labels[index]
            fields[severity] = self.severities.get(index, Severity.NO_ALARM).name
        return fields


class BinaryPv(EnumPv):
    """Two states: bi and bo."""

    record = ("bi", "bo")
    _names = (("ZNAM", "ZSV"), ("ONAM", "OSV"))


class LongPv(SnapPv):
    """A 32-bit integer: longin and longout. Values beyond are shown as the nearest bound, puts beyond are refused."""

    data_type = ChannelType.LONG
    record = ("longin", "longout")

    def __init__(self, *, units: str = "", limits: tuple[int, int] = INT32, **kwargs: Any) -> None:
        self.units, self.limits = units, limits
        super().__init__(**kwargs)

    def parse(self, values: PutValue) -> int:
        """A whole number."""
        return whole_number(only(values))

    def field_values(self) -> Mapping[str, str | float]:
        """Units, precision and limits; a precision is asked of every number, though a real longin has none."""
        return {"EGU": self.units, "PREC": 0, "HOPR": self.limits[1], "LOPR": self.limits[0]}


class CountPv(LongPv):
    """A count of what should not be: MINOR when it is not 0."""

    def severity_of(self, value: int) -> Severity:
        """MINOR when there is any."""
        return Severity.MINOR if value else Severity.NO_ALARM


class AnalogPv(SnapPv):
    """A number with units and precision: ai and ao. What is put must be finite, and not below 0."""

    initial = 0.0

    def __init__(self, *, units: str, precision: int, limits: tuple[float, float], **kwargs: Any) -> None:
        self.units, self.precision, self.limits = units, precision, limits
        super().__init__(**kwargs)

    def parse(self, values: PutValue) -> float:
        """A number."""
        number = number_of(only(values))
        if not math.isfinite(number) or number < 0:
            raise Refused(f"{number:g} is no number from 0")
        return number

    def as_texts(self, value: float) -> Sequence[str]:
        """The number with the PV's precision."""
        return [f"{value:.{self.precision}f}"]

    def field_values(self) -> Mapping[str, str | float]:
        """Units, precision and limits."""
        return {"EGU": self.units, "PREC": self.precision, "HOPR": self.limits[1], "LOPR": self.limits[0]}


class StringPv(SnapPv):
    """A short text: stringin and stringout."""

    data_type = ChannelType.STRING
    record = ("stringin", "stringout")
    initial = ""

    def as_numbers(self, value: str) -> Sequence[float]:
        """The number that the text holds."""
        return [number_in(value)]

    def encode(self, value: str, native: ChannelType) -> Any:
        """As DBR_CHAR the whole text."""
        return characters(value) if native == ChannelType.CHAR else super().encode(value, native)

    def parse(self, values: PutValue) -> str:
        """A text."""
        return text_of(values)


class TextPv(StringPv):
    """A text of up to 16,000 bytes: lsi and lso. `NAME` is its first 39 bytes, `NAME.VAL$` the whole."""

    record = ("lsi", "lso")

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_subscription_backlog=4, **kwargs)


class WholeTextPv(TextPv):
    """A text that is refused if it may have been cut on the way: a DBR_STRING that is full."""

    def parse(self, values: PutValue) -> str:
        """A text that is whole."""
        if len(values) == 1 and isinstance(values[0], bytes) and len(values[0]) >= MAX_STRING - 1:
            raise Refused(f"a text of {MAX_STRING - 1} bytes was probably cut on its way: use {self.pvname}.VAL$ (caput -S)")
        return super().parse(values)


class FilterPv(WholeTextPv):
    """Globs of the PVs that an operation acts on."""

    def severity_of(self, value: str) -> Severity:
        """MINOR while it is not empty: the next restore will not be of everything."""
        return Severity.MINOR if value else Severity.NO_ALARM
