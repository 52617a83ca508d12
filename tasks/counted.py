"""Counts outcomes for Prometheus, after they were written. Who counts elsewhere: providers, leases, doors, the gate."""

import re

from metrics.families import (
    ENDED,
    ENDED_MODELS,
    ENDS_FOUND,
    GENERATION_SECONDS,
    RENDER_SECONDS,
    STAGE_SECONDS,
    STEPS,
    STORED_BYTES,
)
from schemas.causes import cause_of_cancel, cause_of_failure
from schemas.enums import Stage
from schemas.stages import TERMINAL
from storage.claims import Claim, Snapshot
from tasks.outcomes import Advance, Cancel, Fail, NotAccepted, Outcome, UnlessCalledBack

_WORDS = {kind: re.sub(r"(?<!^)(?=[A-Z])", "_", kind.__name__).lower() for kind in Outcome.__args__}
"""The label of each outcome: `UnlessCalledBack` is `unless_called_back`."""


def word_of(outcome: Outcome) -> str:
    """The label of an outcome: `unless_called_back`."""
    return _WORDS[type(outcome)]


def outcome(claim: Claim, outcome: Outcome) -> None:
    """Count the outcome of a step."""
    STEPS.add(claim.generation.stage, word_of(outcome))


def trouble(claim: Claim, word: str) -> None:
    """Count a step without an outcome: `interrupted`, `crashed` or `lease_lost`."""
    STEPS.add(claim.generation.stage, word)


def written(claim: Claim, after: Snapshot, outcome: Outcome) -> None:
    """Count the move that an outcome made, and the end that it found."""
    before = claim.generation
    follows = outcome.then if isinstance(outcome, NotAccepted | UnlessCalledBack) else outcome
    if isinstance(follows, Advance | Fail | Cancel) and follows.found_by is not None:
        ENDS_FOUND.add(before.provider, follows.found_by)
    if after.stage is before.stage:
        return
    seconds = (after.stage_at - before.stage_at).total_seconds()
    STAGE_SECONDS.observe(before.stage, seconds=seconds)
    if before.stage is Stage.GENERATING and after.stage is Stage.DOWNLOADING:
        RENDER_SECONDS.observe(before.provider, seconds=seconds)
    if before.stage is Stage.DOWNLOADING and after.stage is Stage.STORING and after.download is not None:
        STORED_BYTES.add(before.kind, by=float(str(after.download["size_bytes"])))
    if after.stage in TERMINAL:
        _ended(claim, after, follows)


def _ended(claim: Claim, after: Snapshot, follows: Outcome | None) -> None:
    was_accepted = after.remote_id is not None
    cause = "none"
    if isinstance(follows, Fail):
        cause = cause_of_failure(follows.code, was_accepted=was_accepted)
    elif isinstance(follows, Cancel):
        cause = cause_of_cancel(was_accepted=was_accepted)
    ENDED.add(after.stage, cause, after.provider)
    ENDED_MODELS.add(claim.order.model, after.stage)
    GENERATION_SECONDS.observe(after.kind, after.stage, seconds=(after.stage_at - after.created_at).total_seconds())
