"""A table without lines, whose long cells are folded."""

from rich.table import Column, Table


def plain_table(*names: str, gap: int = 2) -> Table:
    """A table with these columns, and so many spaces between them."""
    return Table(
        *(Column(name, overflow="fold") for name in names), box=None, header_style="bold", padding=(0, gap, 0, 0),
        caption_justify="left",
    )  # fmt: skip
