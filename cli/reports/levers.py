"""Prints the generations on which a lever would act, and the results of a run."""

from collections import Counter
from dataclasses import asdict
from uuid import UUID

from rich.console import Console

from cli.reports.rows import show_json, show_rows
from schemas.levers import Lever
from storage.levers.acting import UNTOUCHED
from storage.levers.counting import Counted, Group

_STAKE = {
    Lever.RETRY: "held again, at the price of today: about {credits} credits",
    Lever.FAIL: "given back to customers: {credits} credits",
    Lever.CANCEL: "given back to customers, or charged where the provider bills stopped work: {credits} credits",
    Lever.REFUND: "given back to customers: {credits} credits",
}


def show_count(lever: Lever, counted: Counted, console: Console, *, as_json: bool) -> None:
    """Print the count of a selection, with the money at stake."""
    if as_json:
        facts = {"lever": lever, "counted_at": counted.counted_at, "selected": counted.selected}
        groups = [asdict(group) for group in counted.groups]
        more = {"count": counted.count, "credits": counted.credits, "may_be_at_vendor": counted.may_be_at_vendor}
        show_json(facts | more | {"groups": groups, "sample": counted.sample}, console)
        return
    show_rows(Group, counted.groups, console, as_json=False)
    _say(console, f"{lever} acts on {counted.count} of {counted.selected} selected generations")
    if not counted.count:
        _say(console, f"it acts on {lever.rule}")
        return
    if lever in _STAKE:
        _say(console, _STAKE[lever].format(credits=counted.credits))
    if at_vendor := sum(group.at_vendor for group in counted.groups):
        _say(console, f"accepted by their providers, who may bill the work: {at_vendor}")
    if unknown := counted.may_be_at_vendor:
        _say(console, f"may be at their providers, who never said so, and may bill the work: {unknown}")
    _say(console, f"such as {', '.join(map(str, counted.sample))}")


def show_run(change_id: UUID, done: Counter[str], refused: Counter[str], console: Console, *, as_json: bool) -> None:
    """Print the effects of a run."""
    if as_json:
        show_json({"change_id": change_id, "done": dict(done), "refused": dict(refused)}, console)
        return
    effects = [f"{count} {word.replace('_', ' ')}" for word, count in done.most_common()]
    _say(console, ", ".join(effects) or "nothing was done")
    for why, count in refused.most_common():
        _say(console, f"refused {count}: {why}")
    if refused or set(done) - UNTOUCHED:
        _say(console, f"change {change_id}: `reelworks changes` lists it")


def _say(console: Console, text: str) -> None:
    console.print(text, markup=False, highlight=False, soft_wrap=True)
