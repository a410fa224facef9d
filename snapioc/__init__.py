"""A soft IOC that saves and restores the state of an accelerator, beamline or plant over Channel Access."""

from importlib.metadata import version

__version__ = version("snapioc")
