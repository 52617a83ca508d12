"""Selections of levers, and the tokens of their counts."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from pydantic import ValidationError

from schemas import lever_token
from schemas.enums import Stage
from schemas.lever_token import Seen
from schemas.levers import Lever, Selection

AN_ID = "6b2b6f0e-7e4e-4d8e-9d1b-0f4f5ad6b7a1"
SEEN = Seen(UUID(AN_ID), 12, datetime(2026, 11, 30, 1, 2, 3, 456789, tzinfo=UTC))


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({}, "selects everything"),
        ({"failing": False}, "selects everything"),
        ({"stage": list(Stage)}, "selects everything"),
        ({"status": ["queued", "processing", "completed", "failed", "cancelled"]}, "selects everything"),
        ({"all": True, "provider": ["kie"]}, "`all` stands alone"),
        ({"accepted_after": "2026-01-02T00:00:00Z", "accepted_before": "2026-01-01T00:00:00Z"}, "must be earlier"),
        ({"accepted_after": "2026-01-02T00:00:00"}, "timezone"),
        ({"stage": ["done"]}, "Input should be"),
        ({"provider": ["Kie"]}, "pattern"),
        ({"model": ["a\x00b"]}, "a control character"),
        ({"model": [""]}, "at least 1 character"),
        ({"id": ["1"]}, "UUID"),
        ({"id": [AN_ID] * 1001}, "at most 1000"),
        ({"model": ["m"] * 101}, "at most 100"),
        ({"customer": [AN_ID]}, "Extra inputs"),
    ],
)
def test_wrong_selection_says_why(given: dict[str, object], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        Selection.model_validate(given)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"all": True}, "all"),
        ({"status": ["failed"], "provider": ["kie", "fal"]}, "provider=kie,fal status=failed"),
        ({"kind": "video", "failing": True}, "kind=video failing=true"),
        ({"id": [AN_ID] * 7}, f"id={','.join([AN_ID] * 5)} and 2 more"),
    ],
)
def test_selection_is_told_in_one_line(given: dict[str, object], words: str) -> None:
    assert Selection.model_validate(given).words == words


def test_stages_are_those_of_stage_and_status_together() -> None:
    both = Selection.model_validate({"status": ["processing"], "stage": ["queued", "storing"]})
    assert both.stages == frozenset({Stage.STORING})
    assert Selection.model_validate({"provider": ["kie"]}).stages is None


def test_token_stands_for_its_count() -> None:
    selection = Selection(provider=["kie"])
    token = lever_token.sign("secret", Lever.FAIL, selection, SEEN)
    assert lever_token.read(["secret"], Lever.FAIL, selection, token) == SEEN
    assert lever_token.read(["a newer one", "secret"], Lever.FAIL, selection, token) == SEEN
    assert SEEN.ends_at - SEEN.counted_at == timedelta(hours=1)


def test_token_fits_nothing_else() -> None:
    selection = Selection(provider=["kie"])
    token = lever_token.sign("secret", Lever.FAIL, selection, SEEN)
    more = token.replace(".12.", ".1200.")
    for secret, lever, wanted, given in (
        ("other", Lever.FAIL, selection, token),
        ("secret", Lever.REFUND, selection, token),
        ("secret", Lever.FAIL, Selection(provider=["fal"]), token),
        ("secret", Lever.FAIL, selection, more),
        ("secret", Lever.FAIL, selection, "é.1.1.x"),
        ("secret", Lever.FAIL, selection, ""),
    ):
        assert lever_token.read([secret], lever, wanted, given) is None
