"""The most spans at once."""

from sandbox.peaks import most_at_once


def test_spans_that_touch_do_not_overlap() -> None:
    assert most_at_once([(0, 1), (1, 2), (2, 3)]) == 1


def test_overlapping_spans_are_counted() -> None:
    assert most_at_once([(0, 10), (1, 3), (2, 4), (5, 6)]) == 3
    assert most_at_once([]) == 0
