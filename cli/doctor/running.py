"""Runs checks at once, each in a thread with a time limit. A check that hangs delays no other."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from threading import Thread
from typing import TypeVar

from cli.doctor.findings import Finding, unchecked
from cli.outages import in_words
from schemas.settings import Settings

T = TypeVar("T")


@dataclass(frozen=True)
class Check:
    """A check, or several checks of one service that share a connection."""

    name: str
    """The name, for a check that does not end."""
    run: Callable[[Settings], Iterable[Finding]]
    """Does the check."""
    seconds: float = 10.0
    """The time limit."""


def run(checks: Sequence[Check], settings: Settings) -> list[Finding]:
    """Run all checks at once. The findings are in the order of the checks."""
    began_at = time.monotonic()
    asked = [(check, _started(check, settings)) for check in checks]
    return [
        finding
        for check, answer in asked
        for finding in _found(check, answer, left=began_at + check.seconds - time.monotonic())
    ]


def each(checks: Iterable[Callable[[T], Finding]], subject: T, settings: Settings) -> Iterator[Finding]:
    """Run checks of one service in turn. An error of one check leaves the other checks alone."""
    for check in checks:
        try:
            yield check(subject)
        except Exception as error:  # noqa: BLE001 -- any error is the reason why a check did not run
            yield unchecked(check.__name__.replace("_", " "), reason(error, settings))


def reason(error: Exception, settings: Settings) -> str:
    """An error in a line without a secret."""
    return in_words(error, settings) or type(error).__name__


def _started(check: Check, settings: Settings) -> Future[list[Finding]]:
    answer: Future[list[Finding]] = Future()
    # A daemon thread: a hanging check must not delay the end of the command.
    Thread(target=_answer, args=(check, settings, answer), name=f"check-{check.name}", daemon=True).start()
    return answer


def _answer(check: Check, settings: Settings, answer: Future[list[Finding]]) -> None:
    try:
        answer.set_result(list(check.run(settings)))
    except Exception as error:  # noqa: BLE001 -- the command tells the reason
        answer.set_result([unchecked(check.name, reason(error, settings))])


def _found(check: Check, answer: Future[list[Finding]], *, left: float) -> list[Finding]:
    try:
        return answer.result(max(0.0, left))
    except TimeoutError:
        return [unchecked(check.name, f"no end within {check.seconds:g} s")]
