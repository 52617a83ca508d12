"""Options that several commands have."""

from typing import Annotated

import typer

AsJson = Annotated[bool, typer.Option("--json", help="tell it as one JSON document")]
"""Whether a program reads the answer."""

Limit = Annotated[int, typer.Option(min=1, max=10_000, help="how many at most")]
"""The length of a list."""
