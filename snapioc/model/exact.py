"""A comparison bit for bit, as a restore with "changed only" sees it: what it would write, tolerances or not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .compare import Verdict, compare
from .comparison import Comparison
from .dbr import DbrType


def exactly(compared: Comparison) -> Comparison:
    """The same comparison without tolerances: values of one type are equal only bit for bit (0.0 is not -0.0).

    States are compared by their labels and numbers of different types by value all the same: they are written as such.
    """
    stored, other, zero = compared.stored, compared.other, np.zeros(len(compared.pvs))
    verdicts = compare(stored, other, zero, zero)
    alike = (stored.dbr_type == other.dbr_type) & (stored.dbr_type != DbrType.ENUM)
    verdicts[(verdicts == Verdict.EQUAL) & alike & ~stored.same_values(other)] = Verdict.DIFFERENT
    return replace(compared, verdicts=verdicts, abs_tol=zero, rel_tol=zero)
