"""Values that strangers send: characters that break stores and terminals, wrong types, and sizes."""

from collections.abc import Iterator

from hypothesis import strategies as st

MEGABYTE = 1024 * 1024

CHARACTERS = (
    "\x00\x07\x1b\x7f\x85\r\n\t"  # controls
    "\ud83d\udc00"  # halves of pairs
    "\u202e\u202a\u200f\u061c\u2066\u2069"  # marks of direction
    "\u200b\u200d\ufeff\u2028\ufffe\U000e0041\U0010ffff"  # characters that cannot be seen
)


def hostile_texts() -> Iterator[str]:
    """Texts with each of the characters, odd texts, and a large one."""
    for character in CHARACTERS:
        yield character
        yield f"nano-banana{character}"
    yield from ("", " ", "true", "5", "-1", "1e400", "NaN", "{}", "%00", "%", "../..", "'; --", "\\ud83d", "é" * 300)
    yield "x" * MEGABYTE


def hostile_values() -> Iterator[object]:
    """The texts, numbers, switches and documents that a JSON field can have."""
    yield from hostile_texts()
    yield from (True, False, None, 0, -1, 5, 10**30, 1.5, -0.0, 1e308, float("nan"), float("inf"))
    yield from ([], [None], [True], ["\ud83d"], [["\x00"]], ["x"] * 100, [f"http://a/{MEGABYTE * 'x'}"])
    yield from (["data:image/png;base64,\ud83d"], ["data:\x00"], ["http://\ud83d"], ["upload:\x00"], ["generation:x"])
    yield from ({}, {"a": {"b": []}}, {"\ud83d": "a"}, {"\u202e": "a"}, {"a": "\ud83d"}, {"a\x00": "\x00"}, {"a": True})


def documents() -> st.SearchStrategy[object]:
    """JSON documents with any text, lone surrogates included."""
    texts = st.text(st.characters(codec=None), max_size=20) | st.text(CHARACTERS + "a :/", max_size=8)
    leaves = st.none() | st.booleans() | st.integers() | st.floats() | texts
    return st.recursive(
        leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3), max_leaves=6
    )
