"""Events for tests, an event per line: (row, value, stamp), with Reason as the value of a PV that went."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from snapioc.model import DbrType, Events, Metadata, ReadingsBuilder, Reason


def events(*happened: Sequence[Any], dbr_type: DbrType = DbrType.DOUBLE, labels: tuple[str, ...] = ()) -> Events:
    builder = ReadingsBuilder(len(happened))
    for place, (_, value, *stamp) in enumerate(happened):
        if isinstance(value, Reason):
            builder.missing(place, value)
            continue
        seconds, nanoseconds = divmod(stamp[0] if stamp else 0, 10**9)
        builder.add(
            place,
            dbr_type,
            value,
            seconds=seconds,
            nanoseconds=nanoseconds,
            metadata=Metadata(labels=labels) if labels else None,
        )
    return Events(np.array([row for row, *_ in happened], np.intp), builder.build())
