"""Serves the tools for agents, and writes them for the tool calling of chat APIs."""

import json
import os
import sys
from importlib.util import find_spec
from typing import Annotated

import typer

from agents.formats import ToolFormat, tools_in
from cli.console import refuse
from schemas.setting_groups import CONFIRM_ABOVE_CREDITS, HTTP_URL

app = typer.Typer()

_KEY = "REELWORKS_API_KEY"
_URL = "REELWORKS_URL"


@app.command()
def mcp(
    confirm_above: Annotated[
        int, typer.Option(min=0, metavar="CREDITS", help="an order above this price needs the user's consent")
    ] = CONFIRM_ABOVE_CREDITS,
) -> None:
    """Serve the tools for agents over stdin and stdout (Model Context Protocol), by the HTTP API of a gateway.

    The program of the agent starts this command. `REELWORKS_URL` is the address of the gateway, `REELWORKS_API_KEY` the
    API key, and `REELWORKS_CUSTOMER_ID` the customer for whom a key of a service acts.
    """
    if find_spec("mcp") is None:
        refuse("the MCP SDK is not installed: pip install 'reelworks[mcp]'")
    url, key = os.environ.get(_URL, ""), os.environ.get(_KEY, "")
    if not HTTP_URL.fullmatch(url):
        refuse(f"{_URL} must be the address of the gateway, such as http://127.0.0.1:8000")
    if not key:
        refuse(f"{_KEY} must be an API key: `reelworks keys create` makes one")
    from agents.stdio import serve

    serve(url, key, customer=os.environ.get("REELWORKS_CUSTOMER_ID"), confirm_above=confirm_above)


@app.command()
def tools(
    form: Annotated[ToolFormat, typer.Option("--format", help="the API whose form the tools have")],
) -> None:
    """Print the tools as the value of `tools` in a request to a model: a JSON document."""
    json.dump(tools_in(form), sys.stdout, indent=2, ensure_ascii=False)
    sys.stdout.write("\n")
