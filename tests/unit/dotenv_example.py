"""Reading `.env.example`, where a commented assignment is a default and every assignment has a comment above it."""

import re
from dataclasses import dataclass
from pathlib import Path

_ASSIGNMENT = re.compile(r"#?(?P<name>[A-Z][A-Z0-9_]*)=(?P<value>.*)")
_COMPOSE_SECTION = "# === compose.yaml only ="


@dataclass(frozen=True)
class Variable:
    """One line of the file."""

    name: str
    value: str
    explained: bool
    compose_only: bool


def variables() -> list[Variable]:
    """Every variable of the file, commented out or not, in its order."""
    lines = Path(".env.example").read_text().splitlines()
    compose_from = next(number for number, line in enumerate(lines) if line.startswith(_COMPOSE_SECTION))
    return [
        Variable(
            name=found["name"],
            value=found["value"],
            explained=number > 0 and lines[number - 1].startswith("# "),
            compose_only=number > compose_from,
        )
        for number, line in enumerate(lines)
        if (found := _ASSIGNMENT.fullmatch(line))
    ]
