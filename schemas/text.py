"""The text that customers and operators send. Each text field of each door has one of these types.

Refused everywhere: NUL and lone surrogates, which PostgreSQL cannot store; the other control characters (C0, DEL, C1),
which have no meaning in text and act on terminals.

Marks of direction (bidi) are a decision by the use of a field:

- A prompt or a value of `metadata` is prose, and prose of right-to-left languages needs them: `Prose` takes the marks,
  embeddings and isolates, and the joiners of Persian, of Indic scripts and of emoji. `Prose` refuses the two overrides
  (U+202D, U+202E): no language needs them, and they show a text in another order than the stored order.
- A name or a key must look like what it is: two names that look equal must be equal. `Name` takes no mark of direction
  and no other invisible character, and the only white space in a name is the plain space.
"""

import re
import unicodedata
from collections.abc import Callable
from typing import Annotated, TypeVar

from pydantic import BeforeValidator

from schemas.echoes import HIDDEN
from schemas.secret_forms import without_secret_forms

T = TypeVar("T")

# Tab, line feed and carriage return are the white space of prompts.
_NOT_PROSE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202d\u202e\ud800-\udfff]")

LONGEST_SHOWN = 80
"""The characters of a quote at most."""

# Secrets are removed before the cut, which could leave half of a key. Of a long text only so many characters are
# searched.
_LONGEST_READ = 1_000

# A mistyped name can be as long as a token: its beginning tells the caller which name to correct.
_SHOWN_OF_A_TOKEN = 6


def prose(text: str) -> str:
    """The text unchanged.

    Raises:
        ValueError: a character is refused. The message names the character and its place.
    """
    if found := _NOT_PROSE.search(text):
        raise ValueError(_refusal(text, found.start()))
    return text


def name(text: str) -> str:
    """The name unchanged.

    Raises:
        ValueError: a character is refused. The message names the character and its place.
    """
    if not text.isprintable():
        raise ValueError(_refusal(text, next(place for place, one in enumerate(text) if not one.isprintable())))
    return text


def visible(text: str) -> str:
    """The text with an escape, such as `\\u202e`, in place of each character that cannot be seen or sent."""
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)


def shown(text: str) -> str:
    """A customer's text for an error message: visible, without keys and other secrets, and cut.

    People paste keys where a name belongs, and an error message can land in a log.
    """
    kept = without_secret_forms(text[:_LONGEST_READ], token_start=_SHOWN_OF_A_TOKEN)
    if len(text) > _LONGEST_READ:
        kept = _without_last_word(kept)
    return visible(kept[:LONGEST_SHOWN])[:LONGEST_SHOWN]


def _without_last_word(text: str) -> str:
    """The text with a mark in place of its last word. The end of the search can divide a secret there."""
    if text[-1:].isspace() or text.endswith(HIDDEN):
        return text
    return text.removesuffix(text.split()[-1]) + HIDDEN


def _refusal(text: str, place: int) -> str:
    character = text[place]
    return f"has {_kind(character)} (U+{ord(character):04X}) as character {place + 1}; leave it out"


def _kind(character: str) -> str:
    match unicodedata.category(character):
        case "Cs":
            return "half of a surrogate pair"
        case "Cc":
            return "a control character"
        case "Cf" if unicodedata.bidirectional(character) in _DIRECTIONS:
            return "a mark of direction"
        case "Zs" | "Zl" | "Zp":
            return "white space other than a plain space"
        case _:
            return "an invisible character"


# The left-to-right, right-to-left and Arabic letter marks are as strong as letters; the others are marks alone.
_DIRECTIONS = frozenset({"L", "R", "AL", "LRE", "RLE", "PDF", "LRO", "RLO", "LRI", "RLI", "FSI", "PDI"})


def _of_text(check: Callable[[str], str]) -> BeforeValidator:
    """Checks a text before its length, and leaves a value of another type to pydantic."""

    def checked(value: T) -> T | str:
        return check(value) if isinstance(value, str) else value

    return BeforeValidator(checked)


# A field's limit of length must meet the text itself, so an optional text is a type of its own.
Prose = Annotated[str, _of_text(prose)]
"""Text of one or more lines in any language."""
OptionalProse = Annotated[str | None, _of_text(prose)]
"""`Prose`, or none."""

Name = Annotated[str, _of_text(name)]
"""A name, a key or a choice: visible characters and plain spaces."""
OptionalName = Annotated[str | None, _of_text(name)]
"""`Name`, or none."""
