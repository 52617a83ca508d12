"""A parser of foreign bytes, with the cases to try and the rule that each case must keep."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from hypothesis.strategies import SearchStrategy

CORPUS = Path(__file__).parent / "corpus"
"""The kept cases: a folder for each target. Each test run tries all of them."""


@dataclass(frozen=True)
class Target:
    """A parser under test."""

    name: str
    """The name, and the name of the folder in the corpus."""
    cases: Callable[[Mapping[str, bytes]], Mapping[str, SearchStrategy[bytes]]]
    """Makes the random cases, by group. Each group gets the same share. Takes the kept cases, to change them too."""
    check: Callable[[bytes], None]
    """Gives a case to the parser. Raises any error that the parser does not declare, and `AssertionError`."""

    @property
    def folder(self) -> Path:
        """The folder of the kept cases."""
        return CORPUS / self.name

    def kept(self) -> dict[str, bytes]:
        """The kept cases by name."""
        return {path.name: path.read_bytes() for path in sorted(self.folder.iterdir())}
