"""Lists and deletes generations, and shows the timeline of one."""

from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from cli.commands import levers
from cli.configuration import stores, transaction
from cli.console import console, refuse
from cli.options import AsJson, Limit
from schemas.enums import ErrorCode, Kind, Stage, Status
from schemas.errors import NotFound
from schemas.stages import status_of

if TYPE_CHECKING:
    from sqlmodel import Session

app = typer.Typer(no_args_is_help=True, help="Generations: requests and what became of them. Levers act on selections.")
app.add_typer(levers.app)
top = typer.Typer()


@app.command("list")
def list_generations(
    customer: Annotated[UUID | None, typer.Option(help="only those of this customer")] = None,
    provider: Annotated[str | None, typer.Option(help="only those whose current route is this provider's")] = None,
    kind: Annotated[Kind | None, typer.Option(help="only images, or only videos")] = None,
    model: Annotated[str | None, typer.Option(help="only those that this model serves")] = None,
    status: Annotated[list[Status] | None, typer.Option(help="only these; may be given several times")] = None,
    stage: Annotated[list[Stage] | None, typer.Option(help="only these; may be given several times")] = None,
    error_code: Annotated[
        ErrorCode | None, typer.Option(help="only those that failed with it, newest end first")
    ] = None,
    limit: Limit = 20,
    as_json: AsJson = False,
) -> None:
    """List generations, the newest first, without their prompts and options. `inspect` finds one by its reference."""
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
            error_code=error_code,
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


@top.command("timeline", hidden=True, help="The earlier name of `inspect`.")
@top.command()
def inspect(
    generation: Annotated[
        str,
        typer.Argument(
            help="the id or its beginning; the id of a task in Flower, of the vendor's work, of a webhook message, of "
            "a share, of an event; the order's reference; or with --customer an idempotency key"
        ),
    ],
    customer: Annotated[UUID | None, typer.Option(help="whose idempotency key GENERATION is")] = None,
    as_json: AsJson = False,
) -> None:
    """Show all that happened to a generation, with times: moves, calls, callbacks, credits, files, and its claim."""
    from cli.reports.rows import show_json
    from cli.reports.timeline import show_timeline
    from storage import details, generations, timeline, timeline_document

    with transaction() as session:
        details.in_one_snapshot(session)
        row = generations.find(session, _the_one(session, generation, customer))
        if row is None:
            raise NotFound(f"there is no generation {generation}")
        found = timeline.records(session, row)
    document = timeline_document.for_operators(found)
    if as_json:
        show_json(document.model_dump(mode="json"), console)
    else:
        show_timeline(document, console, now=found.now)


def _the_one(session: "Session", given: str, customer_id: UUID | None) -> UUID:
    """The only generation that a text may mean.

    Raises:
        NotFound: the text means no generation.
    """
    from storage import lookup
    from storage.sql import of

    found = lookup.find(of(session), given, customer_id=customer_id)
    if not found:
        raise NotFound(
            f"there is no generation {given}: give an id or at least {lookup.LEAST_DIGITS} of its first digits, the id "
            "of a task, of the vendor's work, of a webhook message, of a share or of an event, the order's reference, "
            "or an idempotency key with --customer"
        )
    if len(found) > 1:
        listed = "\n".join(f"{one.id}  {one.created_at:%Y-%m-%d %H:%M:%S}  {one.model}  {one.stage}" for one in found)
        refuse(f"{given} may mean several generations:\n{listed}")
    return found[0].id
