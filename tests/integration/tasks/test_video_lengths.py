"""Models whose vendors charge for as many seconds as the input video has."""

import pytest

from schemas.enums import ErrorCode, Stage
from schemas.media_types import MP4
from schemas.stages import TERMINAL
from storage.ledger import Balance
from tests.integration.tasks.conftest import Life, Lives
from tests.unit.providers.files.test_video_length import video

MODEL = "kling-3.0-omni-video-to-video"
SMALL = {"width": 64, "height": 64, "duration_seconds": 1}


def begin(lives: Lives, content: bytes, *, ordered: int) -> Life:
    request = {"model": MODEL, "duration_seconds": ordered}
    return lives.begin_from(content, request, media=MP4, delivered=SMALL)


@pytest.mark.parametrize("seconds", [4, 5])
def test_a_video_that_is_no_longer_than_what_is_paid_for_goes_to_the_vendor(lives: Lives, seconds: int) -> None:
    life = begin(lives, video(seconds), ordered=5)
    assert life.go(until=TERMINAL) is Stage.COMPLETED
    assert life.accepted_creates() == 1


def test_a_longer_video_is_refused_before_it_costs_anything(lives: Lives) -> None:
    life = begin(lives, video(9), ordered=3)
    assert life.step() is Stage.FAILED
    assert life.row.error_code is ErrorCode.PROVIDER_REJECTED
    assert life.row.error_message == "video_urls.0 has 9.0 s: order at least as many, not 3"
    assert (life.accepted_creates(), life.balance) == (0, Balance(available=1000, held=0))


def test_a_video_that_does_not_say_how_long_it_is_is_refused(lives: Lives) -> None:
    life = begin(lives, b"\x00\x00\x00\x18ftypisom" + bytes(100), ordered=3)
    assert life.step() is Stage.FAILED
    assert life.row.error_code is ErrorCode.INPUT_UNREADABLE
    assert life.accepted_creates() == 0
