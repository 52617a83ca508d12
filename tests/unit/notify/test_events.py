from uuid import uuid4

import pytest

from notify.announcements import decoded, encoded
from notify.events import progress_of
from schemas.enums import Stage


@pytest.mark.parametrize(
    ("stage", "recorded", "current", "progress"),
    [
        (Stage.GENERATING, 47, 80, 47),
        (Stage.QUEUED, 0, 80, 0),
        # Rows of the release before have no progress.
        (Stage.GENERATING, None, 80, 15),
        (Stage.COMPLETED, None, 100, 100),
        (Stage.FAILED, None, 47, 47),
        (Stage.DOWNLOADING, None, 80, 80),
    ],
)
def test_progress_of_an_event(stage: Stage, recorded: int | None, current: int, progress: int) -> None:
    assert progress_of(stage, recorded, current) == progress


def test_announcement_is_read_as_it_was_written() -> None:
    changes = [(uuid4(), uuid4()) for _ in range(3)]
    assert list(decoded(encoded(changes))) == changes


@pytest.mark.parametrize("text", ["x", str(uuid4()), f"{uuid4()} x", f"{uuid4()} {uuid4()} {uuid4()}"])
def test_other_text_is_no_announcement(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        list(decoded(text))
