"""What libca has to say goes to the log. Left alone it writes to stderr: five lines for each thing that goes wrong."""

from __future__ import annotations

import ctypes
import logging

from epicscorelibs import path
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


_ExceptionHandler = ctypes.CFUNCTYPE(None, _Arguments)
_ErrorListener = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_char_p)

_com = ctypes.CDLL(path.get_lib("Com"))
_com.errlogAddListener.argtypes = [_ErrorListener, ctypes.c_void_p]
_com.errlogRemoveListeners.argtypes = [_ErrorListener, ctypes.c_void_p]


@_ExceptionHandler
def _on_exception(arguments: _Arguments) -> None:
    context = (arguments.ctx or b"").decode(errors="replace")
    _log.info("libca: %s (%s)", cadef.ca_message(arguments.stat), context)


@_ErrorListener
def _on_error(_: None, message: bytes) -> None:
    _log.info("libca: %s", message.decode(errors="replace").strip())


def log_messages() -> None:
    """Take over the messages of the calling thread's CA context, and what EPICS prints in this process."""
    cadef.libca.ca_add_exception_event.argtypes = [_ExceptionHandler, ctypes.c_void_p]
    cadef.libca.ca_add_exception_event(_on_exception, None)
    _com.eltc(0)
    _com.errlogAddListener(_on_error, None)


def leave_messages() -> None:
    """Log no more of what EPICS prints: its thread must not call into a Python that ends."""
    _com.errlogRemoveListeners(_on_error, None)
