"""Options that several commands share."""

from typing import Annotated

import typer

AsJson = Annotated[bool, typer.Option("--json", help="tell it as one JSON document")]
"""Prints the answer as JSON for programs."""

Limit = Annotated[int, typer.Option(min=1, max=10_000, help="how many at most")]
"""The maximum length of a list."""
