"""Collects the known facts about one generation, to find the cause of a breach."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

from drills.chaos.checks.book import generation_of
from sandbox.control_models import TaskReport

_ROW = text("""
    SELECT stage, attempt, holder, failures, crashes, remote_id, submission, error_code, error_message, created_at,
           stage_at, claimed_at, lease_until, wake_at, callback_at, cancel_requested_at, deadline_at, finished_at
    FROM generations WHERE id = :id
""")
_EVENTS = text("SELECT created_at, name, origin, stage, data FROM events WHERE generation_id = :id ORDER BY id")
_TRANSFERS = text("SELECT created_at, kind, amount FROM ledger_transfers WHERE generation_id = :id ORDER BY id")
_RECEIPTS = text(
    "SELECT created_at, remote_id, deliveries FROM callback_receipts WHERE generation_id = :id ORDER BY id"
)


def lines(session: Session, subject: str, tasks: Iterable[TaskReport], logs: Iterable[Path]) -> Iterator[str]:
    """The generation's lines in database, vendor and logs. Nothing if `subject` is not the id of a generation."""
    try:
        generation_id = UUID(subject)
    except ValueError:
        return
    for title, query in {"row": _ROW, "event": _EVENTS, "transfer": _TRANSFERS, "receipt": _RECEIPTS}.items():
        for row in session.execute(query, {"id": generation_id}).mappings():
            yield f"{title:<9} " + "  ".join(f"{name}={value}" for name, value in row.items() if value is not None)
    for task in tasks:
        if generation_of(task) == generation_id:
            yield f"vendor    {task.model_dump_json(exclude={'request', 'prompt', 'call_back_url'})}"
    for path in logs:
        for line in path.read_text(errors="replace").splitlines():
            if subject in line:
                yield f"{path.stem:<9} {line}"
