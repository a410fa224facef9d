"""libca's asynchronous exceptions go to the log. Without a handler it prints several lines to stderr for each."""

from __future__ import annotations

import ctypes
import logging

from epicscorelibs.ca import cadef

_log = logging.getLogger(__name__)


class _Arguments(ctypes.Structure):
    """struct exception_handler_args of cadef.h."""

    _fields_ = (
        ("usr", ctypes.c_void_p),
        ("chid", ctypes.c_void_p),
        ("type", ctypes.c_long),
        ("count", ctypes.c_long),
        ("addr", ctypes.c_void_p),
        ("stat", ctypes.c_long),
        ("op", ctypes.c_long),
        ("ctx", ctypes.c_char_p),
        ("file", ctypes.c_char_p),
        ("line", ctypes.c_uint),
    )


@ctypes.CFUNCTYPE(None, _Arguments)
def _on_exception(arguments: _Arguments) -> None:
    context = (arguments.ctx or b"").decode(errors="replace")
    _log.info("libca: %s (%s)", cadef.ca_message(arguments.stat), context)


def log_exceptions() -> None:
    """Install the handler in the calling thread's CA context."""
    install = cadef.libca.ca_add_exception_event
    install.argtypes = [ctypes.CFUNCTYPE(None, _Arguments), ctypes.c_void_p]
    install(_on_exception, None)
