"""The use of places while work waits."""

import pytest

from bench.fairness.occupancy import used


def test_time_without_waiting_work_does_not_count() -> None:
    assert used(busy=[(0, 10), (20, 30)], waiting=[(0, 10), (25, 30)], places=1) == pytest.approx(1.0)


def test_a_free_place_while_work_waits_lowers_the_use() -> None:
    assert used(busy=[(0, 5)], waiting=[(0, 10)], places=1) == pytest.approx(0.5)
    assert used(busy=[(0, 10), (0, 5)], waiting=[(0, 10)], places=2) == pytest.approx(0.75)


def test_more_than_the_places_is_no_more_use() -> None:
    assert used(busy=[(0, 10)] * 3, waiting=[(0, 10)], places=2) == pytest.approx(1.0)


def test_an_account_for_which_nothing_waited_was_used_fully() -> None:
    assert used(busy=[], waiting=[], places=2) == pytest.approx(1.0)
