"""The spans of steps, in the trace of their generation.

A step's parent is the place of the order: a generation has one trace, whichever process runs a step, and however long
the generation waits. A link leads to the span that the step follows from: the step before, or a callback.
"""

from contextlib import AbstractContextManager
from dataclasses import replace

from schemas.enums import Stage
from schemas.trace_context import TraceContext, attached
from storage.claims import Claim
from tasks.counted import word_of
from tasks.outcomes import Advance, Counts, Fail, Later, NotAccepted, Outcome, UnlessCalledBack
from traces import spans
from traces.names import Attribute, SpanKind
from traces.spans import Attributes, OpenSpan


def in_trace(claim: Claim) -> attached:
    """A block whose work belongs to the trace of a generation, if there is one."""
    return attached(TraceContext.read(claim.generation.traceparent))


def step(claim: Claim, name: str) -> AbstractContextManager[OpenSpan]:
    """A block whose work is a step of a generation.

    Args:
        name: the name of the step: `poll`.
    """
    if not spans.are_on():
        return spans.NO_SPAN
    row, place = claim.generation, TraceContext.read(claim.generation.traceparent)
    attributes: Attributes = {
        Attribute.GENERATION: str(claim.id), Attribute.STAGE: row.stage, Attribute.MEDIA: row.kind,
        Attribute.MODEL: claim.order.model, Attribute.PROVIDER: row.provider, Attribute.ATTEMPT: row.attempt,
    }  # fmt: skip
    links = []
    if place is not None and row.last_span is not None and row.last_span != place.span_id:
        links.append(replace(place, span_id=row.last_span))
    return spans.span(name, SpanKind.CONSUMER, attributes, parent=place, links=links)


def ends(span: OpenSpan, outcome: Outcome) -> None:
    """Say how a step ended."""
    if not spans.are_on():
        return
    span.set({Attribute.OUTCOME: word_of(outcome)})
    follows = outcome.then if isinstance(outcome, NotAccepted | UnlessCalledBack) else outcome
    match follows:
        case Advance(stage=stage):
            span.set({Attribute.NEXT_STAGE: stage})
        case Fail(code=code):
            span.fail(code)
        case Later(counts=Counts.FAILURE | Counts.CRASH as counts):
            span.fail(counts)


def waited(before: Claim, after: Claim | None) -> None:
    """Record the wait at the vendor, if a step has ended it.

    Args:
        after: the claim after the step. None: the claim was lost.
    """
    if after is None or not spans.are_on():
        return
    row = before.generation
    if row.stage is Stage.GENERATING and after.generation.stage is not Stage.GENERATING:
        attributes = {Attribute.GENERATION: str(before.id), Attribute.PROVIDER: row.provider}
        spans.record(
            "wait", SpanKind.INTERNAL, attributes, parent=TraceContext.read(after.generation.traceparent),
            began_at=row.stage_at.timestamp(), ended_at=row.claimed_at.timestamp(),
        )  # fmt: skip
