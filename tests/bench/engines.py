"""The read engines of snapioc that are measured."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable

from snapioc.channels import Engine
from snapioc.channels.aioca_engine import AiocaEngine

ENGINES: dict[str, Callable[[], Engine]] = {"aioca": AiocaEngine}

if importlib.util.find_spec("snapioc.channels.bulk"):
    _bulk = importlib.import_module("snapioc.channels.bulk")
    if hasattr(_bulk, "BulkEngine"):
        ENGINES["bulk"] = _bulk.BulkEngine
