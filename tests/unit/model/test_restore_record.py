from snapioc.model import PvVerdict


def test_the_numbers_of_the_verdicts_are_those_that_stores_hold() -> None:
    names = "RESTORED UNCHECKED UNCHANGED LEFT_OUT CANNOT NOT_WRITTEN WRITE_FAILED CLAMPED REJECTED LATE DIFFERENT"
    names += " READBACK_OFF PREVIOUS SOMETHING_ELSE UNREACHABLE"
    assert [verdict.name for verdict in PvVerdict][:15] == names.split()
    assert [verdict.value for verdict in PvVerdict] == list(range(len(PvVerdict)))


def test_each_verdict_has_words_of_its_own() -> None:
    assert len({verdict.text for verdict in PvVerdict}) == len(PvVerdict)


def test_what_is_as_it_was_wanted_has_not_failed() -> None:
    wanted = [verdict.name for verdict in PvVerdict if not verdict.failed]
    assert wanted == ["RESTORED", "UNCHECKED", "UNCHANGED", "LEFT_OUT"]
