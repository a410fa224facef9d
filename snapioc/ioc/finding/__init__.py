"""The PVs of a console for finding snapshots: LIST:, SEL:, HIST: and DIFF:, and how its Browser is shown on them.

Decided: a row is a group of PVs of its own with the prefix `...LIST:3:`, so that the 20 rows of a page are written down
once.
"""

from .view import FindingView, finding_pvs

__all__ = ["FindingView", "finding_pvs"]
