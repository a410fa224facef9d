"""The few exception types of snapioc: everything else that goes wrong is data (a reason, a verdict)."""


class SnapError(Exception):
    """Something asked for could not be done; the text tells a person which PV, file and line, or snapshot."""


class ConfigError(SnapError):
    """A configuration or PV list is wrong; the text says which file and where in it."""


class StoreError(SnapError):
    """The store could not be read or written, or does not hold what was asked for."""


class Refused(SnapError):
    """A command was refused before it began; nothing has been touched."""


class UnknownSnapshot(StoreError):
    """The store holds no snapshot with the id that was asked for."""
