"""The commands that show the same as the screen, and those with which an operator acts on it."""

import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from cli.top.questions import Question
from schemas.enums import Stage
from schemas.levers import Lever
from schemas.names import ProviderName
from schemas.stages import AT_PROVIDER, CANCELLABLE, TERMINAL
from schemas.watching import View


@dataclass(frozen=True)
class Command:
    """A command to type."""

    line: str
    """The command. Words in capitals are for the operator to fill in."""
    effect: str
    """What the command does."""


@dataclass(frozen=True)
class Subject:
    """The generation under the cursor, or the one whose timeline is open."""

    id: UUID
    """The generation."""
    stage: Stage
    """Its stage."""
    model: str
    """Its model."""
    provider: ProviderName
    """Its account."""
    customer_id: UUID
    """Its customer."""


def same_as(question: Question) -> Command:
    """The command that prints what the screen shows."""
    if question.generation_id is not None:
        return Command(f"reelworks inspect {question.generation_id}", "prints this timeline; --json for programs")
    if question.text is not None:
        return Command(f"reelworks top --once --search {shlex.quote(question.text)}", "prints this search")
    stage = f" --stage {question.stage}" if question.stage else ""
    return Command(f"reelworks top --once --show {question.view}{stage}", "prints this list")


def about(subject: Subject, view: View) -> Iterator[Command]:
    """The commands about a generation, and about the account, the model and the customer behind it."""
    yield Command(f"reelworks inspect {subject.id}", "all that happened to it")
    if view is View.WEBHOOKS:
        yield Command(f"reelworks webhooks deliveries --generation {subject.id}", "the messages about it")
        yield Command("reelworks webhooks redeliver MESSAGE", "sends a message once more")
    if subject.stage in TERMINAL:
        yield from _levers_of_ended(subject, view)
        yield Command(f"reelworks generations delete {subject.id}", "deletes its files and texts for ever")
    else:
        yield from _levers_of_unfinished(subject)
        yield Command(f"reelworks limits show {subject.provider}", "why work waits for the account")
        yield Command(f"reelworks routes changes {subject.provider}", "the timeline of its circuit breakers")
        yield Command(f"reelworks providers check {subject.provider}", "asks the vendor whether it takes our key")
        yield Command(f"reelworks pause provider {subject.provider} --reason WHY", "new work for the account waits")
        yield Command(f"reelworks pause model {subject.model} --reason WHY", "new work of the model waits")
        yield Command(f"reelworks pause customer {subject.customer_id} --reason WHY", "new work of the customer waits")


def _levers_of_ended(subject: Subject, view: View) -> Iterator[Command]:
    if subject.stage is Stage.FAILED:
        yield _lever(Lever.RETRY, subject, "orders it again, at the customer's cost")
    else:
        yield _lever(Lever.REFUND, subject, "gives its captured credits back")
    if view is View.WEBHOOKS:
        yield _lever(Lever.REDELIVER, subject, "sends its messages once more that were given up")


def _levers_of_unfinished(subject: Subject) -> Iterator[Command]:
    yield _lever(Lever.RETRY, subject, "looks at it now, without its back-off")
    if subject.stage in AT_PROVIDER:
        yield _lever(Lever.REPLAY, subject, "reads its provider now, if a callback is stored")
    if subject.stage in CANCELLABLE:
        yield _lever(Lever.CANCEL, subject, "as its customer may; may be charged")
    if subject.stage is not Stage.SETTLING:
        yield _lever(Lever.FAIL, subject, "ends it; the customer pays nothing")


def _lever(lever: Lever, subject: Subject, effect: str) -> Command:
    return Command(f"reelworks generations {lever} {subject.id} --reason WHY", effect)


def of_the_system() -> Iterator[Command]:
    """The commands about the whole system."""
    yield Command("reelworks status", "services, queues and workers; exit 1 if one is away")
    yield Command("reelworks doctor", "each fault of the configuration and the services, with its remedy")
    yield Command("reelworks limits", "limits of accounts, and pauses")
    yield Command("reelworks routes", "circuit breakers")
    yield Command("reelworks audit --online", "the invariants of unfinished and recent work")
