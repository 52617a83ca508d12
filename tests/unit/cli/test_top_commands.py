"""The commands that `reelworks top` shows exist, with their options."""

import shlex
from uuid import UUID

import pytest
import typer
from typer.core import TyperGroup

from cli.main import app
from cli.top import commands
from cli.top.commands import Subject
from cli.top.questions import Question
from schemas.enums import Stage
from schemas.watching import View

_ID = UUID("3e41a28d-5bf9-40ce-a038-dc975dda27ad")


def subject(stage: Stage) -> Subject:
    return Subject(_ID, stage, "nano-banana", "kie", _ID)


QUESTIONS = [
    *(Question(view) for view in View),
    Question(stage=Stage.STORING),
    Question(text="it's a name"),
    Question(generation_id=_ID),
]
SHOWN = [
    *(commands.same_as(question) for question in QUESTIONS),
    *(each for view in View for stage in Stage for each in commands.about(subject(stage), view)),
    *commands.of_the_system(),
]


def parse(arguments: list[str]) -> None:
    """Parse the arguments of `reelworks` as the command does, and run nothing."""
    command, context = typer.main.get_command(app), None
    while isinstance(command, TyperGroup):
        context = command.make_context(command.name, arguments, parent=context)
        name, found, arguments = command.resolve_command(context, [*context._protected_args, *context.args])
        assert found is not None, name
        command = found
    command.make_context(command.name, arguments, parent=context)


@pytest.mark.parametrize("line", sorted({each.line.replace("MESSAGE", str(_ID)) for each in SHOWN}))
def test_command_on_the_screen_is_one_that_the_program_takes(line: str) -> None:
    program, *arguments = shlex.split(line)
    assert program == "reelworks"
    parse(arguments)


def test_search_of_a_name_with_quotes_is_one_argument() -> None:
    assert shlex.split(commands.same_as(Question(text="it's a name")).line)[-1] == "it's a name"
