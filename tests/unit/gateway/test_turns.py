"""The other dialects take the fields that decide when an order starts."""

from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

from gateway.openai.image_orders import ImageFields, image_order
from gateway.openai.video_changes import EditFields, _order
from gateway.openai.video_fields import VideoFields
from gateway.openai.video_orders import video_order
from gateway.seeds.forms import ImageSettings, MediaSettings, VideoSettings

START = datetime(2026, 11, 20, 12, tzinfo=UTC)
TURN = {"priority": "high", "start_within": "60"}
SCHEDULED = {**TURN, "not_before": START.isoformat()}


def test_video_of_openai_has_a_turn_and_a_schedule() -> None:
    request = video_order(VideoFields.model_validate({"prompt": "a boat", **SCHEDULED})).request
    assert (request.priority, request.start_within, request.not_before) == ("high", 60, START)
    plain = video_order(VideoFields.model_validate({"prompt": "a boat", "priority": None, "not_before": ""})).request
    assert (plain.priority, plain.start_within, plain.not_before) == ("normal", None, None)


def test_change_of_a_video_of_openai_has_a_turn_and_a_schedule() -> None:
    fields = EditFields.model_validate({"prompt": "a boat", "video": "https://example.com/a.mp4", **SCHEDULED})
    request = _order(fields, {})
    assert (request.priority, request.start_within, request.not_before) == ("high", 60, START)


def test_image_of_openai_has_a_turn_and_no_schedule_because_the_request_waits_for_the_file() -> None:
    request = image_order(ImageFields.model_validate({"prompt": "a boat", **TURN})).request
    assert (request.priority, request.start_within) == ("high", 60)
    with pytest.raises(ValidationError, match="not_before"):
        ImageFields.model_validate({"prompt": "a boat", **SCHEDULED})


@pytest.mark.parametrize("settings", [VideoSettings, ImageSettings])
def test_settings_of_the_seeds_have_a_turn(settings: type[MediaSettings]) -> None:
    assert settings.model_validate(TURN).asked == {"priority": "high", "start_within": 60}
    assert settings.model_validate({"priority": None}).asked == {}
