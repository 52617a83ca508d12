"""Signed links to results."""

import pytest

from schemas.content_link import content_link

NOON = 1_796_040_000


def _ends(now: int, seconds: int) -> int:
    link = content_link("http://h/files", "a secret", "a.png", now=now, saved_as=None, seconds=seconds)
    return int(link.partition("?e=")[2].partition("&")[0])


@pytest.mark.parametrize("seconds", [60, 3600, 86_400])
@pytest.mark.parametrize("past", [0, 59, 1800, 3599])
def test_a_link_works_for_its_time_and_for_an_hour_more_at_most(seconds: int, past: int) -> None:
    works_for = _ends(NOON + past, seconds) - (NOON + past)

    assert seconds <= works_for <= seconds + min(seconds, 3600)


def test_links_of_one_hour_are_equal() -> None:
    assert _ends(NOON, 86_400) == _ends(NOON + 3599, 86_400)
