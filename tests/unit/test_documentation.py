"""What README and `docs/` name exists: a page that speaks of something else is stale."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.unit import stale_names
from tests.unit.documentation import Page, pages

PAGES = {page.path.resolve(): page for page in pages()}

each_page = pytest.mark.parametrize("page", PAGES.values(), ids=lambda page: str(page.path))
each_check = pytest.mark.parametrize("check", stale_names.CHECKS, ids=lambda check: check.__name__)


@each_check
@each_page
def test_what_a_page_names_exists(page: Page, check: Callable[[Page], list[str]]) -> None:
    assert check(page) == []


@each_page
def test_links_lead_somewhere(page: Page) -> None:
    assert stale_names.links(page, PAGES) == []


def test_every_page_is_linked_to() -> None:
    linked = {(page.path.parent / link.partition("#")[0]).resolve() for page in PAGES.values() for link in page.links}

    assert [page.path for path, page in PAGES.items() if path not in linked and page.path.name != "README.md"] == []


def test_every_make_target_is_explained_in_the_help() -> None:
    makefile = Path("Makefile").read_text()
    public = re.search(r"^\.PHONY: (.+)$", makefile, re.MULTILINE)
    assert public is not None

    assert set(public[1].split()) == set(re.findall(r"^([a-z-]+):.*## ", makefile, re.MULTILINE))


@pytest.mark.parametrize(
    ("check", "text", "stale"),
    [
        (stale_names.files, "see `storage/nowhere.py`", "storage/nowhere.py"),
        (stale_names.files, "see `nowhere.py` and `.env.nowhere`", ".env.nowhere"),
        (stale_names.files, "```\nnowhere.toml  the catalogue\n```", "nowhere.toml"),
        (stale_names.files, "see `providers/NAME/nowhere.py`", "providers/NAME/nowhere.py"),
        (stale_names.settings, "set REELWORKS_NOWHERE", "REELWORKS_NOWHERE"),
        (stale_names.settings, "set `REELWORKS_NOWHERE__*`", "REELWORKS_NOWHERE__*"),
        (stale_names.settings, "set `REELWORKS_PROVIDERS__KIE__NOWHERE`", "REELWORKS_PROVIDERS__KIE__NOWHERE"),
        (stale_names.settings, "set `…__NOWHERE`", "…__NOWHERE"),
        (stale_names.settings, "set `SANDBOX_NOWHERE`", "SANDBOX_NOWHERE"),
        (stale_names.commands, "run `reelworks nowhere`", "reelworks nowhere: no command 'nowhere'"),
        (stale_names.commands, "run `reelworks credits nowhere`", "reelworks credits nowhere: no command 'nowhere'"),
        (stale_names.commands, "run `reelworks audit --nowhere`", "reelworks audit --nowhere: no option --nowhere"),
        (stale_names.commands, "run `reelworks sandbox --nowhere`", "reelworks sandbox --nowhere: no option --nowhere"),
        (
            stale_names.commands,
            "```\n$ docker compose exec gateway reelworks \\\n    nowhere\n```",
            "$ docker compose exec gateway reelworks nowhere: no command 'nowhere'",
        ),
        (stale_names.make_targets, "run `make nowhere`", "make nowhere"),
        (stale_names.make_targets, "run `make rollout NOWHERE=1`", "make rollout NOWHERE=1"),
        (stale_names.modules, "run `python -m workers.nowhere`", "workers.nowhere"),
        (stale_names.names, "a `NoWhere` is made", "NoWhere"),
        (stale_names.names, "`Lease.nowhere` says", "Lease.nowhere"),
        (stale_names.names, "`claims.nowhere()` says", "claims.nowhere()"),
    ],
)
def test_a_stale_page_is_noticed(check: Callable[[Page], list[str]], text: str, stale: str) -> None:
    assert stale in check(Page(Path("docs/page.md"), text))


@pytest.mark.parametrize("link", ["nowhere.md", "README.md#nowhere", "#nowhere"])
def test_a_broken_link_is_noticed(link: str) -> None:
    page = Page(Path("docs/page.md"), f"# A page\n\nsee [there]({link})")

    assert stale_names.links(page, {**PAGES, page.path.resolve(): page}) == [link]
