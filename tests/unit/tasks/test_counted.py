"""What a worker counts of an outcome."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from prometheus_client import CollectorRegistry

from metrics.instruments import REGISTRY
from metrics.labels import MODEL, OUTCOME, PROVIDER
from schemas.enums import ErrorCode, FoundBy, Stage
from tasks import counted
from tasks.outcomes import Advance, Cancel, Fail, Later, NotAccepted, Outcome, Waits
from tests.unit.tasks.conftest import NOW, a_claim

Counted = Callable[..., float]


@pytest.fixture
def more() -> Callable[..., Counted]:
    """How much a series has grown since the fixture was asked for it."""
    registry: CollectorRegistry = REGISTRY

    def of(name: str, **labels: str) -> Counted:
        before = registry.get_sample_value(f"reelworks_{name}", labels) or 0.0
        return lambda: (registry.get_sample_value(f"reelworks_{name}", labels) or 0.0) - before

    return of


def test_every_outcome_has_a_word() -> None:
    for outcome in (Waits(), Later(1.0), Fail(ErrorCode.TIMEOUT, "late"), NotAccepted()):
        counted.outcome(a_claim(Stage.QUEUED), outcome)
    assert set(counted._WORDS.values()) <= OUTCOME.fixed


def test_a_move_is_counted_with_the_time_in_the_stage(more: Callable[..., Counted]) -> None:
    claim = a_claim(Stage.GENERATING, in_stage_for=40)
    PROVIDER.learn([claim.generation.provider])
    seconds, rendered, found = (
        more("stage_seconds_sum", stage="generating"),
        more("render_seconds_sum", provider=claim.generation.provider),
        more("ends_found_total", provider=claim.generation.provider, found_by="safety_poll"),
    )
    after = replace(claim.generation, stage=Stage.DOWNLOADING, stage_at=NOW)

    counted.written(claim, after, Advance(Stage.DOWNLOADING, found_by=FoundBy.SAFETY_POLL))

    assert (seconds(), rendered(), found()) == (40.0, 40.0, 1.0)


@pytest.mark.parametrize(
    "end", [Fail(ErrorCode.RESULT_INVALID, "a bad file"), Fail(ErrorCode.TIMEOUT, "late"), Cancel("wanted")]
)
def test_an_end_after_a_bad_file_is_counted(more: Callable[..., Counted], end: Fail | Cancel) -> None:
    claim = a_claim(Stage.DOWNLOADING, download={"bad_files": 1})
    seconds, stored = more("stage_seconds_sum", stage="downloading"), more("stored_bytes_total", kind="image")
    model = claim.order.model
    MODEL.learn([model])
    stage = Stage.FAILED if isinstance(end, Fail) else Stage.CANCELLED
    ended = more("ended_models_total", model=model, status=stage.value)

    counted.written(claim, replace(claim.generation, stage=stage), end)

    assert (seconds(), stored(), ended()) == (0.0, 0.0, 1.0)


def test_a_stored_result_counts_its_bytes_once(more: Callable[..., Counted]) -> None:
    claim = a_claim(Stage.DOWNLOADING)
    stored = more("stored_bytes_total", kind="image")
    after = replace(claim.generation, stage=Stage.STORING, download={"size_bytes": 1234})

    counted.written(claim, after, Advance(Stage.STORING))
    counted.written(replace(claim, generation=after), replace(after, stage=Stage.SETTLING), Advance(Stage.SETTLING))

    assert stored() == 1234


@pytest.mark.parametrize(
    ("outcome", "stage", "cause"),
    [
        (Fail(ErrorCode.PROVIDER_AUTH_FAILED, "refused"), Stage.FAILED, "our_fault"),
        (NotAccepted(Fail(ErrorCode.PROVIDER_REJECTED, "refused")), Stage.FAILED, "request_refused"),
        (Cancel("asked"), Stage.CANCELLED, "cancelled_before_start"),
        (Advance(Stage.COMPLETED), Stage.COMPLETED, "none"),
    ],
)
def test_an_end_is_counted_with_its_cause(
    more: Callable[..., Counted], outcome: Outcome, stage: Stage, cause: str
) -> None:
    claim = a_claim(Stage.QUEUED)
    PROVIDER.learn([claim.generation.provider])
    MODEL.learn([claim.order.model])
    ended, by_model, seconds = (
        more("ended_total", status=stage, cause=cause, provider=claim.generation.provider),
        more("ended_models_total", model=claim.order.model, status=stage),
        more("generation_seconds_sum", kind="image", status=stage),
    )
    begun = replace(claim.generation, created_at=NOW - timedelta(seconds=90))

    counted.written(replace(claim, generation=begun), replace(begun, stage=stage, stage_at=NOW), outcome)

    assert (ended(), by_model(), seconds()) == (1.0, 1.0, 90.0)


def test_a_step_that_changes_no_stage_ends_nothing(more: Callable[..., Counted]) -> None:
    claim = a_claim(Stage.GENERATING)
    steps, moves = (
        more("steps_total", stage="generating", outcome="later"),
        more("stage_seconds_count", stage="generating"),
    )

    counted.outcome(claim, Later(2.0))
    counted.written(claim, claim.generation, Later(2.0))

    assert (steps(), moves()) == (1.0, 0.0)
