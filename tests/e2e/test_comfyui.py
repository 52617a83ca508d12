"""Every process in front of a simulated ComfyUI server that restarts, again and again, while answers are lost."""

import time
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import text

from schemas.setting_groups import ProvidersSettings
from stack.stack import Stack
from tests.e2e.conftest import FINISHED, System, own_places, system_of
from tests.support import NewCustomer, eventually

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]

MODEL, PRICE = "qwen-image", 2
ORDERS = 24
RESTARTS = 5
SECONDS = 0.4


# The only ends without a file, and their reasons. All are unpaid.
_MAY_END = {
    "work_lost": "each of the ten runs was lost",
    "submit_outcome_unknown": "the last of the ten runs had no answer, and was not found",
    "provider_unavailable": "the server was away for each try of a create",
}


@pytest.fixture(scope="module")
def owned(services: Stack, run_folder: Path) -> Iterator[System]:
    """A system with one account, at a ComfyUI server whose silent or absent work is lost after two seconds."""
    settings = own_places(services, "comfyui", 4)
    account = settings.providers.named("comfyui")
    options = {**account.options, "lost_after_seconds": SecretStr("2"), "progress_seconds": SecretStr("0.2")}
    impatient = account.model_copy(update={"options": options, "timeout_seconds": 5.0})
    pipeline = settings.pipeline.model_copy(
        update={"unknown_submit_grace_seconds": 4.0, "most_runs": 10, "poll_cap_seconds": 1.0}
    )
    # Half of the answers are lost, so probes fail, too: doubled pauses of the breaker would only take time.
    admission = settings.admission.model_copy(
        update={"breaker_pause_seconds": 0.5, "breaker_longest_pause_seconds": 1.0}
    )
    accounts = ProvidersSettings({"comfyui": impatient})
    settings = settings.model_copy(update={"providers": accounts, "pipeline": pipeline, "admission": admission})
    with Stack(run_folder / "comfyui", settings) as stack:
        yield from system_of(stack)


def test_restarts_and_lost_answers_lose_no_generation_and_charge_none_twice(owned: System) -> None:
    customer = owned.customer()
    behaviours: Iterator[dict[str, object]] = cycle(
        [{}, {"create_reply": "drop"}, {"create_reply": "garbage"}, {"poll_error": _busy()}]
    )
    small = {"width": 64, "height": 64}
    generations = [_lost_once(owned, customer)]
    for number in range(ORDERS):
        word = owned.behave(**{"seconds": SECONDS, "delivered": small, **next(behaviours)})
        answer = owned.submit(customer, word, model=MODEL, seed=number % 3)
        generations.append(answer.raise_for_status().json()["id"])
    for _ in range(RESTARTS):
        # The server is in the middle of some order, or between two: it is a chaos.
        time.sleep(1.5)
        owned.sandbox.restart("comfyui", seconds=0.5)

    ends = [owned.finished(customer, each) for each in generations]
    completed = [seen for seen in ends if seen.status == "completed"]
    assert [seen.credits.captured for seen in completed] == [PRICE] * len(completed)
    assert [len({asset["sha256"] for asset in seen.assets if asset["role"] == "result"}) for seen in completed] == [
        1
    ] * len(completed)
    unpaid = [(seen.credits.captured, seen.credits.held) for seen in ends if seen.status != "completed"]
    assert set(unpaid) <= {(0, 0)}
    assert owned.balance(customer) == (1000 - PRICE * len(completed), 0)
    # Each run that a restart lost was made again, and its order paid once.
    assert _runs_lost(owned, generations) > 0
    reasons = {str(seen.error["code"]) for seen in ends if seen.error is not None}
    assert reasons <= set(_MAY_END), reasons
    assert len(completed) > ORDERS // 2
    assert owned.audit().breaches == []


def _lost_once(owned: System, customer: NewCustomer) -> str:
    """A completed generation of which a restart lost a run."""
    word = owned.behave(seconds=3600, delivered={"width": 64, "height": 64})
    generation_id = str(owned.submit(customer, word, model=MODEL).raise_for_status().json()["id"])
    eventually(lambda: owned.see(customer, generation_id).stage, lambda stage: stage == "generating")
    owned.sandbox.restart("comfyui", seconds=0.5)

    def status() -> str:
        if _runs_lost(owned, [generation_id]):
            owned.sandbox.finish(word)
        return owned.see(customer, generation_id).status

    assert eventually(status, lambda found: found in FINISHED) == "completed"
    return generation_id


def _busy() -> dict[str, object]:
    return {"code": 503, "msg": "busy"}


def _runs_lost(owned: System, generations: list[str]) -> int:
    count = (
        "SELECT coalesce(sum(jsonb_array_length(lost_runs)), 0) FROM generations WHERE id = ANY(cast(:ids AS uuid[]))"
    )
    with owned.database.transaction() as session:
        lost: int = session.execute(text(count), {"ids": generations}).scalar_one()
        return lost


def test_progress_follows_the_servers_steps(owned: System) -> None:
    customer = owned.customer()
    word = owned.behave(seconds=8, delivered={"width": 64, "height": 64})
    generation_id = owned.submit(customer, word, model=MODEL).json()["id"]
    told: set[int] = set()

    def ended() -> bool:
        seen = owned.see(customer, generation_id)
        told.add(seen.progress)
        return seen.status == "completed"

    eventually(ended, bool)
    # 15 to 80 per cent is the stage `generating`: the estimate without steps would still be below 25 after 8 s.
    assert any(40 <= each < 80 for each in told), sorted(told)
    assert owned.audit().breaches == []


def test_waiting_and_running_orders_are_cancelled(owned: System) -> None:
    customer = owned.customer()
    word = owned.behave(seconds=600)
    generations = [owned.submit(customer, word, model=MODEL).json()["id"] for _ in range(2)]
    eventually(lambda: [owned.see(customer, each).stage for each in generations], lambda s: set(s) == {"generating"})
    for each in generations:
        owned.http.post(f"/v1/generations/{each}/cancel", headers=customer.headers).raise_for_status()
    assert [owned.finished(customer, each).status for each in generations] == ["cancelled"] * 2
    assert owned.balance(customer) == (1000, 0)
    assert owned.audit().breaches == []
