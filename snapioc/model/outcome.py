"""Outcome: what became of one write."""

from enum import IntEnum


class Outcome(IntEnum):
    """What became of a put, as far as the server said; whether the value arrived is for the read-back to tell."""

    DONE = 0
    """The put-callback came."""
    PENDING = 1
    """Sent, but the record was not done within the time: the read-back decides."""
    REFUSED = 2
    DISCONNECTED = 3
    NO_WRITE_ACCESS = 4
    UNSENDABLE = 5
    NOT_SENT = 6
    """Its turn has not come, or never came."""

    @property
    def text(self) -> str:
        """The outcome in a person's words, as FAILURES shows it."""
        return _TEXTS[self]


_TEXTS = {
    Outcome.DONE: "written",
    Outcome.PENDING: "not done in time",
    Outcome.REFUSED: "the server refused the write",
    Outcome.DISCONNECTED: "disconnected while it was written",
    Outcome.NO_WRITE_ACCESS: "no write access",
    Outcome.UNSENDABLE: "the value could not be sent",
    Outcome.NOT_SENT: "not written",
}
