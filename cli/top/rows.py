"""The list of generations on the screen."""

from rich.text import Text
from textual.widgets import DataTable

from cli.reports.watched import COLUMNS, cells
from cli.top.commands import Subject
from storage.watching.rows import Found, Watched


class Rows(DataTable[Text]):
    """A list of generations. The cursor stays on its generation when the list is read again."""

    def __init__(self, *, id: str) -> None:  # noqa: A002 -- textual's name
        super().__init__(id=id, cursor_type="row", zebra_stripes=False)
        self._watched: dict[str, Watched] = {}

    @property
    def subject(self) -> Subject | None:
        """The generation under the cursor."""
        if not self._watched or not self.is_valid_row_index(self.cursor_row):
            return None
        row = self._watched[list(self._watched)[self.cursor_row]]
        return Subject(row.id, row.stage, row.model, row.provider, row.customer_id)

    def on_mount(self) -> None:
        """Add the columns."""
        for name in COLUMNS:
            self.add_column(name, key=name)

    def show(self, found: Found, *, is_other: bool) -> None:
        """Show these generations.

        Args:
            is_other: the list is another one than before, so the cursor goes to its beginning.
        """
        watched = {str(row.id): row for row in found.rows}
        if is_other:
            self._replace(watched, found)
        elif list(watched) == list(self._watched):
            self._update(watched, found)
        else:
            self._replace_around_cursor(watched, found)

    def _update(self, watched: dict[str, Watched], found: Found) -> None:
        self._watched = watched
        for key, row in watched.items():
            for column, cell in zip(COLUMNS, cells(found, row), strict=True):
                self.update_cell(key, column, cell, update_width=True)

    def _replace(self, watched: dict[str, Watched], found: Found) -> None:
        self._watched = watched
        self.clear()
        for key, row in watched.items():
            self.add_row(*cells(found, row), key=key)

    def _replace_around_cursor(self, watched: dict[str, Watched], found: Found) -> None:
        current, scrolled = self.subject, self.scroll_offset
        self._replace(watched, found)
        if current is not None and (key := str(current.id)) in watched:
            self.move_cursor(row=list(watched).index(key), scroll=False)
            self.scroll_to(*scrolled, animate=False)
