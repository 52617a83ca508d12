"""Random changes to cases that a parser takes: to bytes, and to JSON documents."""

import json
from collections.abc import Iterator, Sequence
from copy import deepcopy
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from tests.hostile import documents

_MOST_CHANGES = 4
_LONGEST_PART = 64

# Sizes, counts and positions in files, and what breaks texts.
_PARTS = st.sampled_from([
    *(bytes(size) for size in (1, 2, 4, 8)),
    *(b"\xff" * size for size in (1, 2, 4, 8)),
    *(number.to_bytes(size) for size in (2, 4, 8) for number in (1, 2 ** (8 * size - 1), 2 ** (8 * size - 1) - 1)),
    *(b'"', b"\\", b"[", b"{", b"]", b"}", b"\n", b"\xed\xa0\x80", b"\x1f\x8b"),
])  # fmt: skip

_RAW = ("1e999", "-1e999", "NaN", "1" * 5000, "-0.0", "1e-400", "[" * 3000 + "]" * 3000, r'"\ud83d"', r'"\u0000"')
"""JSON texts that Python's encoder does not write."""

Path = tuple[Any, ...]


@st.composite
def changed_bytes(draw: DrawFn, contents: Sequence[bytes]) -> bytes:
    """One of the contents with some changes: bytes replaced, inserted, removed, repeated, or cut off at the end."""
    content = draw(st.sampled_from(contents))
    for _ in range(draw(st.integers(1, _MOST_CHANGES))):
        start = draw(st.integers(0, len(content)))
        end = min(len(content), start + draw(st.integers(1, _LONGEST_PART)))
        part = draw(_PARTS | st.binary(min_size=1, max_size=8))
        match draw(st.sampled_from(["replace", "insert", "remove", "repeat", "cut", "splice"])):
            case "replace":
                content = content[:start] + part + content[start + len(part) :]
            case "insert":
                content = content[:start] + part + content[start:]
            case "remove":
                content = content[:start] + content[end:]
            case "repeat":
                content = content[:end] + content[start:end] * draw(st.integers(1, 20)) + content[end:]
            case "cut":
                content = content[:start]
            case "splice":
                other = draw(st.sampled_from(contents))
                content = content[:start] + other[draw(st.integers(0, len(other))) :]
    return content


@st.composite
def changed_document(draw: DrawFn, document: Any, texts: tuple[str, ...] = ()) -> bytes:
    """A JSON document with some changes: values replaced, removed, moved, or put into lists and objects.

    Args:
        texts: texts to put into the document, besides random values.
    """
    changed = deepcopy(document)
    raw: dict[bytes, bytes] = {}
    for _ in range(draw(st.integers(0, _MOST_CHANGES))):
        path = draw(st.sampled_from(list(paths(changed))))
        value = at(changed, path)
        match draw(st.sampled_from(["replace", "raw", "remove", "move", "wrap", "text"])):
            case "replace":
                changed = put(changed, path, draw(st.sampled_from(texts) | documents() if texts else documents()))
            case "raw":
                place = f"raw {len(raw)}"
                raw[json.dumps(place).encode()] = draw(st.sampled_from(_RAW)).encode()
                changed = put(changed, path, place)
            case "remove" if path and isinstance(at(changed, path[:-1]), dict):
                at(changed, path[:-1]).pop(path[-1])
            case "move":
                changed = put(changed, path, deepcopy(at(changed, draw(st.sampled_from(list(paths(changed)))))))
            case "wrap":
                changed = put(changed, path, draw(st.sampled_from([[value], {"": value}, [value] * 50])))
            case "text":
                changed = put(changed, path, json.dumps(value))
    written = json.dumps(changed).encode()
    for name, text in raw.items():
        written = written.replace(name, text)
    return written


def paths(document: Any, above: Path = ()) -> Iterator[Path]:
    """The ways to all values of a document, the document itself included."""
    yield above
    items = (
        document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    )
    for step, member in items:
        yield from paths(member, (*above, step))


def at(document: Any, path: Path) -> Any:
    """The value at the end of a way."""
    for step in path:
        document = document[step]
    return document


def put(document: Any, path: Path, value: Any) -> Any:
    """The document with another value at the end of a way."""
    if not path:
        return value
    at(document, path[:-1])[path[-1]] = value
    return document


def changed_text(content: bytes, texts: tuple[str, ...] = ()) -> SearchStrategy[bytes]:
    """A JSON text with changes to its document or to its bytes. A text of another kind has changes to its bytes."""
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        return changed_bytes([content])
    documents_ = changed_document(document, texts)
    return documents_ | documents_ | documents_ | changed_bytes([content])
