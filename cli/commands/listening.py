"""Brings events to a developer's machine."""

from typing import Annotated

import typer

from cli.configuration import gateway_url
from cli.console import console
from schemas.webhooks import FILTERS, USUAL_TYPES

app = typer.Typer()


def _a_filter(given: str) -> str:
    if given not in FILTERS:
        raise typer.BadParameter(f"must be one of {', '.join(FILTERS)}")
    return given


@app.command()
def listen(
    forward_to: Annotated[str, typer.Option("--forward-to", metavar="URL", help="gets a POST for each event")],
    api_key: Annotated[
        str, typer.Option("--api-key", envvar="REELWORKS_API_KEY", help="a key with the scope `read`", prompt=True)
    ],
    gateway: Annotated[
        str | None, typer.Option(envvar="REELWORKS_URL", help="the gateway's address; default: as the settings say")
    ] = None,
    types: Annotated[
        list[str] | None,
        typer.Option(
            "--types", parser=_a_filter, metavar="<type>", help="only these; may be given several times; default: ends"
        ),
    ] = None,
    after: Annotated[int | None, typer.Option(min=0, help="begin after the event with this id; default: now")] = None,
) -> None:
    """Send the events of your generations to a URL of this machine, signed as webhooks are. Ends with Ctrl-C."""
    from cli.forwarding import Forwarding

    forwarding = Forwarding(gateway or gateway_url(), api_key, forward_to, types=types or USUAL_TYPES, console=console)
    try:
        forwarding.run(after=after)
    except KeyboardInterrupt:
        console.print("ended")
