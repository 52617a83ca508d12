"""Lists and deletes generations, and shows the timeline of one."""

from typing import Annotated
from uuid import UUID

import typer

from cli.configuration import stores, transaction
from cli.console import console
from cli.options import AsJson, Limit
from schemas.enums import Kind, Stage, Status
from schemas.errors import NotFound
from schemas.stages import status_of

app = typer.Typer(no_args_is_help=True, help="Generations: requests and what became of them.")
top = typer.Typer()


@app.command("list")
def list_generations(
    customer: Annotated[UUID | None, typer.Option(help="only those of this customer")] = None,
    provider: Annotated[str | None, typer.Option(help="only those whose current route is this provider's")] = None,
    kind: Annotated[Kind | None, typer.Option(help="only images, or only videos")] = None,
    model: Annotated[str | None, typer.Option(help="only those that this model serves")] = None,
    status: Annotated[list[Status] | None, typer.Option(help="only these; may be given several times")] = None,
    stage: Annotated[list[Stage] | None, typer.Option(help="only these; may be given several times")] = None,
    limit: Limit = 20,
    as_json: AsJson = False,
) -> None:
    """List generations, the newest first, without their prompts and options."""
    from cli.reports.rows import show_rows
    from storage import listings

    stages = {*(stage or ()), *(one for one in Stage if status_of(one) in (status or ()))}
    with transaction() as session:
        found = listings.generations(
            session,
            customer_id=customer,
            provider=provider,
            kind=kind,
            model=model,
            stages=stages,
            limit=limit,
        )
    shown_by_stage = ("status", "finished_at")
    show_rows(listings.ListedGeneration, found, console, as_json=as_json, for_programs=shown_by_stage)


@app.command("delete")
def delete_generation(
    generation: Annotated[UUID, typer.Argument(help="the generation's id")],
    is_sure: Annotated[bool, typer.Option("--yes", help="do not ask")] = False,
) -> None:
    """Delete the files, the prompt, the inputs and the metadata of a generation for ever. The ledger stays."""
    from storage import deletion

    if not is_sure:
        typer.confirm(f"delete the files and the texts of generation {generation}?", abort=True)
    with stores() as (database, objects):
        deletion.delete(database, objects, generation)
    console.print(f"generation {generation} is deleted")


@top.command()
def timeline(generation: Annotated[UUID, typer.Argument(help="the generation's id")]) -> None:
    """Show the events of a generation, step by step."""
    from cli.reports.timeline import show_timeline
    from storage import generations
    from storage import timeline as storage

    with transaction() as session:
        found = generations.find(session, generation)
        events = storage.read(session, generation)
    if found is None:
        raise NotFound(f"there is no generation {generation}")
    show_timeline(found, events, console)
