"""A CA server without long texts: DBR_STRINGs of 39 bytes and of 40 without a NUL, and nothing under `NAME.VAL$`."""

from __future__ import annotations

import sys

from caproto import ChannelDouble, ChannelString
from caproto.asyncio.server import run

name = sys.argv[1]
run({name: ChannelString(value="c" * int(sys.argv[2])), f"{name}2": ChannelDouble(value=2.0)}, interfaces=["127.0.0.1"])
