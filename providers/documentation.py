"""`python -m providers.documentation` (`make docs`) writes the documentation's tables that the catalogue decides.

A table stands between `<!-- table: NAME -->` and `<!-- end of table -->`; all else of a page is written by hand.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from providers.catalogue import CatalogueFile

PAGES = (Path("docs/api.md"),)

_TABLE = re.compile(r"(?P<begin><!-- table: (?P<name>\S+) -->\n).*?(?P<end><!-- end of table -->)", re.DOTALL)


def written(page: str) -> str:
    """The page with every table as the catalogue has it.

    Raises:
        KeyError: there is no table of that name.
    """
    tables = {name: "\n".join(_table(rows)) + "\n" for name, rows in _tables(CatalogueFile.shipped()).items()}
    return _TABLE.sub(lambda found: found["begin"] + tables[found["name"]] + found["end"], page)


def _tables(catalogue: CatalogueFile) -> dict[str, list[Sequence[str]]]:
    """Each table as rows, the first of which names the columns."""
    return {
        "families": [
            ("names", "models"),
            *((_quoted(family.patterns), _quoted(family.models)) for family in catalogue.families),
        ],
        "styles": [("`style`", "text"), *((f"`{style.name}`", style.text) for style in catalogue.styles)],
    }


def _table(rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """The lines of a table in Markdown."""
    for number, row in enumerate(rows):
        yield f"| {' | '.join(row)} |"
        if number == 0:
            yield "|" + "---|" * len(row)


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def main() -> None:
    """Write every page's tables anew."""
    for page in PAGES:
        page.write_text(written(page.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
