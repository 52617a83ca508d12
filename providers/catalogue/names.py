"""Which names stand for a family of models, and which known names are nearest to a wrong one.

A name that nobody can know for sure is refused: a misspelt name must never become another product.
"""

import re
from collections.abc import Collection, Iterable, Sequence
from difflib import get_close_matches
from typing import Annotated

from pydantic import Field

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9./_-]*$")]
Pattern = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9./_-]*\*?$")]

_DIGIT = re.compile(r"[0-9]")
_SEPARATOR = re.compile(r"[-/._]")
_VERSION = re.compile(r"(gen)?[0-9]+")
_WORD_AND_NUMBER = re.compile(r"(?P<word>[a-z]+)(?P<number>[0-9]+)")
_UNSEEN = re.compile(r"[\s\x00-\x1f\x7f-\x9f]")


def parts(name: str) -> tuple[str, ...]:
    """The parts of a name. Names with the same parts are the same name: `kling-2.6`, `kling2.6` and `kling/v2_6`."""
    return tuple(piece for part in _SEPARATOR.split(name) for piece in _pieces(part))


def _pieces(part: str) -> tuple[str, ...]:
    """`veo3` is `veo` and `3`, `v3` is `3`. `gen3` stays whole: people call Runway's models so."""
    found = _WORD_AND_NUMBER.fullmatch(part)
    if found is None or found["word"] == "gen":
        return (part,)
    return (found["number"],) if found["word"] == "v" else (found["word"], found["number"])


def fits(name: str, pattern: str, tiers: Collection[str]) -> bool:
    """Whether a name fits a family's pattern.

    A pattern with a star fits the text before the star, alone or with versions and tiers: `kling*` fits `kling`,
    `kling-v1` and `kling/v1.5-pro`, not `klingon` and not `kling-text`. A pattern without a star fits itself.
    """
    stem = pattern.removesuffix("*")
    if name == stem:
        return True
    return pattern.endswith("*") and all(_VERSION.fullmatch(part) or part in tiers for part in _rest(name, stem))


def _rest(name: str, stem: str) -> tuple[str, ...]:
    """The parts of a name after the family's own name; an empty part if the name does not begin with it."""
    rest = name.removeprefix(stem)
    if rest == name or not rest:
        return ("",)
    if _SEPARATOR.match(rest):
        return parts(rest[1:])
    # `kling2.6` is Kling 2.6, but `veo-3.12` is no 3.1.
    return parts(rest) if _DIGIT.match(rest) and not _DIGIT.match(stem[-1]) else ("",)


def misspells(name: str, known: str) -> bool:
    """Whether a name is a known name with other words: `gemini-omni-1.1-fast` beside `gemini-omni-1.1-flash`."""
    given, meant = parts(name), parts(known)
    if len(given) != len(meant):
        return False
    return all(ours == theirs or _is_like(ours, theirs) for ours, theirs in zip(given, meant, strict=True))


def _is_like(word: str, other: str) -> bool:
    return not _DIGIT.search(word + other) and bool(get_close_matches(word, [other]))


def nearest(name: str, known: Sequence[str]) -> list[str]:
    """Up to three known names that are like a name, the nearest first."""
    return get_close_matches(_UNSEEN.sub("", name).lower(), known)


def ranked(first: Iterable[str], others: Iterable[str]) -> list[str]:
    """Both, each name once, in this order."""
    return list(dict.fromkeys([*first, *others]))


def has_unseen_characters(name: str) -> bool:
    """Whether a name contains white space or control characters, which people do not see in it."""
    return bool(_UNSEEN.search(name))
