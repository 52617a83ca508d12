"""The author of a timeline entry: the worker, its claim, and its calls to the vendor. For operators."""

from dataclasses import asdict

from providers.http import call_log
from storage.claims import Claim
from tasks.services import WorkerServices


def author(services: WorkerServices, claim: Claim) -> dict[str, object]:
    """The worker, the number of the claim, and the calls since the claim's last entry.

    The entry that exists anyway carries these facts, so they cost no statement. A read that found unfinished work has
    no entry: the numbers of the claims tell how many such reads there were.
    """
    by: dict[str, object] = {"worker": services.worker_name, "attempt": claim.generation.attempt}
    calls = [{**asdict(call), "at": call.at.isoformat()} for call in call_log.remembered()]
    return {**by, "calls": calls} if calls else by
