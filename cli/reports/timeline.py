"""Prints the timeline of a generation as a tree: stages, their entries, and the calls to the provider."""

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import groupby

from pydantic import JsonValue
from rich.console import Console
from rich.markup import escape
from rich.tree import Tree

from schemas.enums import EventName, FoundBy
from schemas.stages import TERMINAL
from schemas.timeline_api import OperatorsEntry, OperatorsTimeline, OtherEntry, VendorCall
from schemas.variants import VariantOrigin, VariantState

_FOUND_BY = {
    FoundBy.CALLBACK: "found by a callback",
    FoundBy.SAFETY_POLL: "found by the safety poll: no callback came",
    FoundBy.POLL: "found by a poll",
}
_ALARMING = frozenset(
    {EventName.TRY_FAILED, EventName.SUBMIT_UNKNOWN, EventName.SUBMIT_LATE, EventName.STATUS_UNKNOWN}
    | {EventName.WRITE_REFUSED, EventName.CALLBACK_LATE, OtherEntry.BREAKER}
)
_OF_VARIANTS = frozenset({"name", "state", "message", "is_being_made"})
"""The facts that the sentence about a variant tells."""


def show_timeline(timeline: OperatorsTimeline, console: Console, *, now: datetime) -> None:
    """Print the facts of a generation, and its entries below the stages that they belong to."""
    for line in facts_of(timeline):
        console.print(line, highlight=False, soft_wrap=True)
    console.print(tree_of(timeline, now=now), soft_wrap=True)


def tree_of(timeline: OperatorsTimeline, *, now: datetime) -> Tree:
    """The entries of a generation, below the stages that they belong to."""
    tree = Tree(_headline(timeline), highlight=False)
    for stage, entries in _stages(timeline):
        branch = tree.add(stage)
        for entry in entries:
            leaf = branch.add(_entry(entry))
            for call in entry.calls:
                leaf.add(_call(call))
    if timeline.wake_at is not None:
        tree.add(_present(timeline, now))
    return tree


def _headline(timeline: OperatorsTimeline) -> str:
    asked = f" (ordered as {escape(timeline.requested_model)})" if timeline.requested_model else ""
    so_far = "" if timeline.finished_at else " so far"
    stage = f"[bold]{timeline.stage}[/bold]"
    model = escape(timeline.model)
    return f"{timeline.kind} {timeline.generation_id}, {model}{asked}: {stage}, {_time(timeline.seconds)}{so_far}"


def facts_of(timeline: OperatorsTimeline) -> Iterator[str]:
    """The facts of a generation, a line each, in rich's markup."""
    work = f", its id {escape(timeline.remote_id)}" if timeline.remote_id else ""
    yield f"customer {timeline.customer_id}, {timeline.credits} credits, provider {escape(timeline.provider)}{work}"
    yield f"accepted {timeline.created_at:%Y-%m-%d %H:%M:%S %Z}, {timeline.attempt} claims"
    if timeline.trace_id:
        yield f"trace {timeline.trace_id}"
    if timeline.batch_id:
        yield f"of the batch {timeline.batch_id}"
    if timeline.retry_of:
        yield f"repeats the generation {timeline.retry_of}"
    if timeline.continuation_of:
        yield f"continues the preview {timeline.continuation_of}"
    if timeline.error_code:
        reason = _last_reason(timeline)
        cause = "" if reason is None else f" [yellow](the last failed try: {escape(reason)})[/yellow]"
        yield f"[red]{timeline.error_code}[/red]: {escape(timeline.error_message or '')}{cause}"
    if timeline.failures or timeline.crashes:
        yield f"[yellow]{timeline.failures} failures and {timeline.crashes} crashes in a row in this stage[/yellow]"
    if timeline.downloads:
        yield f"downloaded {timeline.downloads} times"
    if timeline.deleted_at:
        yield f"deleted {timeline.deleted_at:%Y-%m-%d %H:%M:%S %Z}"


def _last_reason(timeline: OperatorsTimeline) -> str | None:
    """The reason of the last failed try. The error of a deadline, for customers, does not name it."""
    reasons = [entry.details["reason"] for entry in timeline.entries if "reason" in entry.details and entry.worker]
    return str(reasons[-1]) if reasons else None


def _stages(timeline: OperatorsTimeline) -> Iterator[tuple[str, list[OperatorsEntry]]]:
    """Each stay in a stage with its length, and the entries of that stay."""
    stays = [list(entries) for _, entries in groupby(timeline.entries, key=lambda entry: entry.stage)]
    ends = [following[0].seconds for following in stays[1:]] + [timeline.seconds]
    for entries, end in zip(stays, ends, strict=True):
        stage = entries[0].stage
        length = "" if stage in TERMINAL else f" {_time(end - max(0.0, entries[0].seconds))}"
        yield f"[bold]{stage}[/bold]{length}", entries


def _entry(entry: OperatorsEntry) -> str:
    color = "yellow" if _is_alarming(entry) else "cyan"
    name = f"→ {entry.stage}" if entry.name == EventName.MOVED else entry.name
    parts = [f"{entry.seconds:10.3f}", f"+{entry.gap_seconds:.3f}".rjust(9), f"[{color}]{name}[/{color}]"]
    told = _OF_VARIANTS if entry.name == OtherEntry.VARIANT else frozenset()
    facts = [f"{escape(name)}={escape(_shown(value))}" for name, value in entry.details.items() if name not in told]
    if entry.name == OtherEntry.VARIANT:
        facts.insert(0, f"[bold]{escape(_of_variant(entry.details))}[/bold]")
    if entry.found_by:
        facts.insert(0, f"[bold]{_FOUND_BY[entry.found_by]}[/bold]")
    if entry.quiet_claims:
        facts.append(f"[dim]after {entry.quiet_claims} claims without news[/dim]")
    if entry.worker:
        facts.append(f"[dim]{escape(entry.worker)}, claim {entry.attempt}[/dim]")
    return "  ".join([*parts, ", ".join(facts)])


def _of_variant(details: Mapping[str, JsonValue]) -> str:
    """What happened with a variant."""
    name, message = details["name"], details.get("message")
    match details["state"]:
        case VariantState.READY:
            is_result = details.get("origin") == VariantOrigin.ORIGINAL
            return f"{name} is ready" + (": the result itself serves" if is_result else "")
        case VariantState.FAILED:
            return f"{name} was not made" + (f": {message}" if message else "")
        case _ if details.get("is_being_made"):
            return f"{name} is being made"
        case _:
            return f"{name} waits for " + ("a worker" if "due_seconds" in details else "its next try")


def _is_alarming(entry: OperatorsEntry) -> bool:
    is_failed_variant = entry.name == OtherEntry.VARIANT and entry.details["state"] == VariantState.FAILED
    return entry.name in _ALARMING or is_failed_variant


def _call(call: VendorCall) -> str:
    answer = f"[red]{escape(call.failure)}[/red]" if call.failure else f"HTTP {call.status}"
    return f"{call.at:%H:%M:%S.%f}"[:-3] + f"  {escape(call.operation)}: {answer} after {call.seconds:.3f} s"


def _present(timeline: OperatorsTimeline, now: datetime) -> str:
    """The state of an unfinished generation: its claim, or the time until the next look."""
    left = _time((timeline.deadline_at - now).total_seconds())
    if timeline.claim is not None:
        held = _time((now - timeline.claim.since).total_seconds())
        state = f"{escape(timeline.claim.worker)} has the claim for {held}"
    elif timeline.waits is not None:
        since = _time((now - timeline.waits.since).total_seconds())
        why = f", held by {timeline.waits.held_by}" if timeline.waits.held_by else ""
        state = f"waits for a place at {escape(timeline.waits.provider)} for {since}{why}"
    elif timeline.wake_at is not None and timeline.wake_at > now:
        state = f"no claim; the next look is in {_time((timeline.wake_at - now).total_seconds())}"
    else:
        state = "[red]due, and no worker has the claim: check beat, worker-control and the role of the stage[/red]"
    return f"[bold]now[/bold] {state}; the deadline is in {left}"


def _time(seconds: float) -> str:
    if abs(seconds) < 60:
        return f"{seconds:.1f} s"
    minutes, left = divmod(round(seconds), 60)
    return f"{minutes} min {left} s"


def _shown(value: JsonValue) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
