"""A CA server whose PV tells how many reads of it had come when a read came, and answers that read two seconds later."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

from caproto import ChannelDouble, ChannelType
from caproto.asyncio.server import run


class Counter(ChannelDouble):
    """Reads of its metadata are not counted, and answered at once."""

    reads = 0

    async def read(self, data_type: Any) -> Any:
        if data_type == ChannelType.TIME_DOUBLE:
            self.reads += 1
            count = self.reads
            await asyncio.sleep(2)
            self._data["value"] = float(count)
        return await super().read(data_type)


run({sys.argv[1]: Counter(value=0.0)}, interfaces=["127.0.0.1"])
