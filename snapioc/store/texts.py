"""Texts that come from anybody, as a database takes them."""

from __future__ import annotations


def storable(text: str) -> str:
    """A client may claim any bytes as its name: what no database takes as text must cost neither snapshot nor restore."""
    return text.encode(errors="replace").decode().replace("\0", "")
