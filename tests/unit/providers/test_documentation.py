from pathlib import Path

import pytest

from providers.documentation import PAGES, written


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_the_tables_of_the_pages_match_the_catalogue(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert "<!-- table: " in text
    assert written(text) == text, "run `make docs`"


def test_text_around_a_table_is_unchanged() -> None:
    text = written("before\n<!-- table: styles -->\nstale\n<!-- end of table -->\nafter")
    assert text.startswith("before\n<!-- table: styles -->\n| `style` | text |\n|---|---|\n| `photorealistic` | ")
    assert text.endswith(" |\n<!-- end of table -->\nafter")
    assert "stale" not in text


def test_an_unknown_table_is_refused() -> None:
    with pytest.raises(KeyError, match="planets"):
        written("<!-- table: planets -->\n<!-- end of table -->")
