import pytest

from gateway.seeds.app_stages import stage_word, status_word
from schemas.enums import Stage, Status
from schemas.stages import PROGRESS, TERMINAL, status_of

# The ranges that pages of `/api/video` show.
RANGES = {
    "queued": (0, 5),
    "initializing": (5, 15),
    "generating": (15, 80),
    "encoding": (80, 95),
    "uploading": (95, 100),
    "completed": (100, 100),
}


@pytest.mark.parametrize("stage", [stage for stage in Stage if stage not in TERMINAL])
def test_every_progress_of_an_unfinished_generation_is_in_the_range_of_its_stage(stage: Stage) -> None:
    first, last = PROGRESS[stage]
    for progress in range(first, last + 1):
        word = stage_word(status_of(stage), progress)
        assert word is not None
        low, high = RANGES[word]
        assert low <= progress <= high


@pytest.mark.parametrize(
    ("status", "progress", "told"),
    [
        (Status.QUEUED, 0, ("queued", "queued")),
        (Status.PROCESSING, 5, ("processing", "initializing")),
        (Status.PROCESSING, 15, ("processing", "generating")),
        (Status.PROCESSING, 79, ("processing", "generating")),
        (Status.PROCESSING, 80, ("encoding", "encoding")),
        (Status.PROCESSING, 95, ("encoding", "uploading")),
        (Status.PROCESSING, 100, ("encoding", "uploading")),
        (Status.COMPLETED, 100, ("completed", "completed")),
        (Status.FAILED, 40, ("failed", None)),
        (Status.CANCELLED, 0, ("failed", None)),
    ],
)
def test_status_and_stage_have_the_words_of_the_pages(
    status: Status, progress: int, told: tuple[str, str | None]
) -> None:
    assert (status_word(status, progress), stage_word(status, progress)) == told
