"""The strip of stages at the top of the screen."""

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Static

from cli.reports.top import StageFigures, stage_text
from schemas.enums import Stage
from schemas.stages import WORK


class StageCell(Static):
    """A stage. A click lists its generations."""

    DEFAULT_CSS = """
    StageCell { width: 1fr; height: 3; padding: 0 1; pointer: pointer; }
    StageCell:hover { text-style: underline; }
    """

    class Chosen(Message):
        """A stage was clicked."""

        def __init__(self, stage: Stage) -> None:
            super().__init__()
            self.stage = stage

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage, id=f"stage-{stage}")
        self._stage = stage

    def on_click(self) -> None:
        """Choose the stage."""
        self.post_message(self.Chosen(self._stage))


class StageStrip(Horizontal):
    """All stages, from left to right."""

    DEFAULT_CSS = """
    StageStrip { height: 3; }
    """

    def compose(self) -> ComposeResult:
        yield from map(StageCell, WORK)

    def show(self, found: Sequence[StageFigures]) -> None:
        """Show the figures of the stages."""
        for each in found:
            self.query_one(f"#stage-{each.stage}", StageCell).update(stage_text(each))
