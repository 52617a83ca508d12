"""The project's pages, and what they name: files, links, settings, commands."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_SPAN = re.compile(r"(?<!`)`([^`]+)`(?!`)")
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Page:
    """One page, as a reader of its source sees it."""

    path: Path
    """Where the page is, from the project's root."""
    text: str
    """The whole page."""

    @property
    def code(self) -> list[str]:
        """What the page shows as code: each span on one line, and each line of a block."""
        blocks = [line for block in _FENCE.findall(self.text) for line in _joined(block).splitlines()[1:-1]]
        return [*(" ".join(span.split()) for span in _SPAN.findall(self.prose)), *blocks]

    @property
    def prose(self) -> str:
        """The page without its blocks of code."""
        return _FENCE.sub("", self.text)

    @property
    def links(self) -> list[str]:
        """The targets of its links, but for those on the web."""
        targets = _LINK.findall(self.prose)
        return [target for target in targets if not re.match(r"[a-z]+:", target)]

    @property
    def anchors(self) -> set[str]:
        """The names by which its headings are linked to."""
        return {_slug(heading) for heading in _HEADING.findall(self.prose)}


def pages() -> Iterator[Page]:
    """The pages that describe the project as it is; the changelog tells of what was."""
    for path in (*map(Path, ("README.md", "CONTRIBUTING.md", "SECURITY.md")), *sorted(Path("docs").rglob("*.md"))):
        yield Page(path, path.read_text())


def _joined(block: str) -> str:
    """The block with each command that goes on in the next line on one line."""
    return re.sub(r"\\\n\s*", "", block)


def _slug(heading: str) -> str:
    plain = re.sub(r"[`*]|\[([^\]]*)\]\([^)]*\)", r"\1", heading)
    return re.sub(r"[^\w -]", "", plain.lower()).replace(" ", "-")
