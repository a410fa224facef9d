"""The turns of threads."""

from __future__ import annotations

import sys

import pytest

from snapioc.channels.bulk.prompt import SWITCH, prompt_callbacks


def test_it_is_as_before_afterwards_whatever_happens() -> None:
    before = sys.getswitchinterval()
    assert before > SWITCH
    with pytest.raises(ZeroDivisionError), prompt_callbacks():
        assert sys.getswitchinterval() == pytest.approx(SWITCH)
        raise ZeroDivisionError
    assert sys.getswitchinterval() == pytest.approx(before)
