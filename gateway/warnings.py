"""The header that names the settings that a result will not have as asked for."""

from collections.abc import Sequence
from typing import Final

from providers.catalogue.fitting import Change
from schemas.text import shown

WARNING: Final = "Reelworks-Warning"


def warning_header(changes: Sequence[Change]) -> dict[str, str]:
    """The header for the changes, such as `aspect_ratio=1:1 not possible, 16:9 taken; seed ignored`. Empty for none."""
    return {WARNING: "; ".join(map(_in_words, changes))} if changes else {}


def _in_words(change: Change) -> str:
    if change.taken is None:
        return f"{change.field} ignored"
    # A header has ASCII characters only.
    asked = shown(change.asked).encode("ascii", "backslashreplace").decode("ascii")
    return f"{change.field}={asked} not possible, {change.taken} taken"
