"""The task `generation.stop`: stop runs that no generation waits for, at servers of our own.

Such a run was given up while its server was silent, or at the deadline of its generation. A try is best effort: it asks
the adapter to cancel that run alone, and writes nothing to the generation but a timeline entry.
"""

from functools import partial
from typing import Final
from uuid import UUID

import structlog
from celery import shared_task
from structlog.contextvars import bind_contextvars

from providers.base import RemoteRef
from schemas.enums import EventName, TaskName
from schemas.provider_errors import ProviderError
from storage import runs_to_stop, transitions
from storage.runs_to_stop import FIRST_PAUSE_SECONDS, Stopping
from tasks.services import WorkerServices, current_services
from tasks.troubles import loggable

log = structlog.get_logger()

MOST_TRIES: Final = 60
"""The tries for a run at most."""
LONGEST_SECONDS: Final = 3600.0
"""A run that was given up longer ago is left alone after its first try: few runs take so long."""

_LONGEST_PAUSE_SECONDS = 60.0


@shared_task(name=TaskName.STOP)
def stop_task(run_id: str, turn: int) -> None:
    """Run `run` as a Celery task."""
    run(current_services(), run_id, turn)


def run(services: WorkerServices, run_id: str, turn: int) -> None:
    """Try once to stop a run, in a thread of its account. Do nothing if the account has had another try meanwhile.

    A process that is drained leaves the row, which is due again after a while.
    """
    with services.taking.taking() as may_take:
        if not may_take:
            return
        with services.database.statement() as sql:
            claimed = runs_to_stop.claim(sql, UUID(run_id), turn=turn)
    if claimed is None:
        return
    bind_contextvars(generation_id=str(claimed.generation_id), provider=claimed.provider, remote_id=claimed.remote_id)
    if claimed.is_wanted:
        _leave(services, claimed, "its generation waits for it")
    elif claimed.tries > MOST_TRIES or (claimed.tries > 1 and claimed.age_seconds > LONGEST_SECONDS):
        _leave(services, claimed, "no try had an answer for too long")
    else:
        # Without a thread there is no call: the server hangs, and the next try follows after a minute.
        services.threads.run(claimed.provider, partial(_try, services, claimed))


def _pause(tries: int) -> float:
    """Seconds from one try to the next."""
    return float(min(FIRST_PAUSE_SECONDS * 2 ** min(tries, 10), _LONGEST_PAUSE_SECONDS))


def _try(services: WorkerServices, claimed: Stopping) -> None:
    if services.threads.is_over:
        return
    try:
        # No link: the adapters of servers of our own find a run by its id.
        answer = services.providers.get(claimed.provider).cancel(RemoteRef(claimed.remote_id, claimed.model))
    except ProviderError as error:
        log.info("run_stop_failed", tries=claimed.tries, reason=loggable(error))
        with services.database.statement() as sql:
            runs_to_stop.put_off(sql, claimed.provider, seconds=_pause(claimed.tries))
        return
    told = {"provider": claimed.provider, "remote_id": claimed.remote_id, "answer": answer}
    with services.database.statements() as sql:
        runs_to_stop.put_off(sql, claimed.provider, seconds=0)
        if runs_to_stop.remove(sql, claimed.id):
            transitions.note(sql, claimed.generation_id, EventName.CANCEL_SENT, told)
    log.info("run_stopped", answer=answer)


def _leave(services: WorkerServices, claimed: Stopping, reason: str) -> None:
    with services.database.statements() as sql:
        runs_to_stop.put_off(sql, claimed.provider, seconds=0)
        runs_to_stop.remove(sql, claimed.id)
    log.warning("run_not_stopped", tries=claimed.tries, reason=reason)
