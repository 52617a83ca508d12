from uuid import uuid4

import pytest

from notify.announcements import decoded, encoded
from notify.events import progress_of
from schemas.enums import Stage

ID = "b1f5a1f4-5a53-4c0e-9f5d-5d6a3f1c7a10"


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


@pytest.mark.parametrize("text", ["x", ID, f"{ID} x", f"{ID} {ID} {ID}"])
def test_other_text_is_no_announcement(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        list(decoded(text))
