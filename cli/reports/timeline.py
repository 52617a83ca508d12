"""Prints the timeline of a generation."""

import json
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from schemas.enums import EventName
from schemas.tables import Event, Generation


def show_timeline(generation: Generation, events: Sequence[Event], console: Console) -> None:
    """Print the stage of a generation and all its events, with the seconds since its acceptance."""
    asked = generation.order.get("requested_model")
    by_name = f" (ordered as {asked})" if asked not in {None, generation.model} else ""
    console.print(f"{generation.kind} {generation.id}, {generation.model}{by_name}: [bold]{generation.stage}[/bold]")
    if generation.error_code is not None:
        console.print(f"{generation.error_code}: {generation.error_message}", markup=False)
    if generation.lease_token is not None:
        console.print(f"held by {generation.holder}")
    table = Table("s", "what", "where", "details", box=None, header_style="bold")
    for event in events:
        where = f"{event.origin or ''} → {event.stage}" if event.name is EventName.MOVED else event.stage
        table.add_row(f"{_seconds(generation, event):.1f}", event.name, where, _details(event))
    console.print(table)


def _seconds(generation: Generation, event: Event) -> float:
    if event.created_at is None or generation.created_at is None:
        raise ValueError("what is stored has its time")
    return (event.created_at - generation.created_at).total_seconds()


def _details(event: Event) -> str:
    return ", ".join(
        f"{name}={value if isinstance(value, str) else json.dumps(value)}" for name, value in event.data.items()
    )
