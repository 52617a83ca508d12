"""Puts the groups of the `reelworks` command together, and turns errors into one line."""

import sys
from importlib import metadata
from typing import Annotated

import structlog
import typer

from cli.commands import (
    agents,
    customers,
    data,
    door,
    draining,
    generations,
    keys,
    limits,
    listening,
    local,
    model_server,
    models,
    processes,
    restoring,
    routes,
    secrets,
    services,
    state,
    top,
    vendors,
    webhooks,
)
from cli.commands import credits as credits_group
from cli.configuration import warn_of_unknown_variables
from cli.console import console, errors
from schemas.errors import ReelworksError
from schemas.logs import writes_lines
from schemas.settings import get_settings


def _show_version(is_wanted: bool) -> None:
    if is_wanted:
        console.print(f"reelworks {metadata.version('reelworks')}", highlight=False)
        raise typer.Exit


app = typer.Typer(
    name="reelworks",
    help="Turn generation requests into stored, paid-for media.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)


@app.callback()
def _before_every_command(
    version: Annotated[  # noqa: ARG001 -- the callback of the option acts
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="show the version and exit")
    ] = False,
) -> None:
    warn_of_unknown_variables()


# A Typer without a name adds its commands to the top.
app.add_typer(local.app)
app.add_typer(processes.app)
app.add_typer(model_server.app)
app.add_typer(state.app)
app.add_typer(top.app)
app.add_typer(data.app)
app.add_typer(restoring.app)
app.add_typer(draining.app)
app.add_typer(generations.top)
app.add_typer(listening.app)
app.add_typer(agents.app)
app.add_typer(generations.app, name="generations")
app.add_typer(customers.app, name="customers")
app.add_typer(services.app, name="services")
app.add_typer(keys.app, name="keys")
app.add_typer(credits_group.app, name="credits")
app.add_typer(models.app, name="models")
app.add_typer(limits.app, name="limits")
app.add_typer(limits.top)
app.add_typer(routes.app, name="routes")
app.add_typer(vendors.app, name="providers")
app.add_typer(webhooks.app, name="webhooks")
app.add_typer(door.app, name="door")
app.add_typer(secrets.app, name="secrets")


def main() -> None:
    """The console script. An expected error or an outage of a service prints one line without a traceback."""
    try:
        # `app()` would set an attribute on the exception, which minio's S3Error refuses.
        typer.main.get_command(app)()
    except Exception as error:
        message = _explained(error)
        if message is None:
            raise
        if writes_lines():
            structlog.get_logger().critical("process_failed", reason=message)
        else:
            errors.print(message, style="red", markup=False, soft_wrap=True)
        sys.exit(1)


def _explained(error: Exception) -> str | None:
    if isinstance(error, ReelworksError):
        return str(error)
    from cli.outages import in_words

    return in_words(error, get_settings())
