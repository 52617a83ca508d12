"""The settings of the Redis door."""

import pytest
from pydantic import ValidationError

from schemas.door_settings import DoorSettings
from schemas.setting_groups import RetentionSettings
from tests.support import clean_settings


def test_signature_outlives_no_idempotency_key() -> None:
    settings = clean_settings()
    week = settings.retention.idempotency_key_days * 86_400
    given = settings.model_dump() | {"retention": RetentionSettings()}

    kept = type(settings).model_validate(given | {"door": DoorSettings(signature_seconds=int(week))})
    assert kept.door.signature_seconds == week
    with pytest.raises(ValidationError, match="must be at most the seconds of retention"):
        type(settings).model_validate(given | {"door": DoorSettings(signature_seconds=int(week) + 1)})
