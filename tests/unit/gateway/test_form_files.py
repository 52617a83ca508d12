"""Multipart forms: the limits of their texts."""

import asyncio
from collections.abc import Sequence

import pytest
from fastapi import Request
from starlette.types import Message

from gateway.form_files import MOST_TEXT_BYTES, read_form
from gateway.problems import BadRequest, ContentTooLarge

MIB = 1024 * 1024


def texts_of(parts: Sequence[bytes]) -> dict[str, str]:
    """The texts of the form of a request whose body is these parts."""
    pieces = [*parts, b"--edge--\r\n"]
    messages = iter(pieces)
    left = len(pieces)

    async def receive() -> Message:
        nonlocal left
        left -= 1
        return {"type": "http.request", "body": next(messages), "more_body": left > 0}

    headers = [(b"content-type", b"multipart/form-data; boundary=edge")]
    request = Request({"type": "http", "method": "POST", "path": "/", "headers": headers}, receive)

    async def read() -> dict[str, str]:
        form = await read_form(request, most_files=2)
        await form.close()
        return {name: value for name, value in form.items() if isinstance(value, str)}

    return asyncio.run(read())


def part(name: str, content: bytes, *, is_file: bool = False) -> bytes:
    filename = '; filename="a.png"' if is_file else ""
    head = f'--edge\r\nContent-Disposition: form-data; name="{name}"{filename}\r\n\r\n'
    return head.encode() + content + b"\r\n"


def test_texts_of_a_form_have_a_limit_together() -> None:
    most = MOST_TEXT_BYTES // MIB
    texts = [part(f"text-{number}", b"a" * MIB) for number in range(most)]
    assert len(texts_of(texts)) == most
    with pytest.raises(ContentTooLarge, match="the texts of a form may have up to 16777216 bytes together"):
        texts_of([*texts, part("one", b"a")])


def test_files_of_a_form_are_no_texts() -> None:
    file = part("image", b"a" * (MOST_TEXT_BYTES + 1), is_file=True)
    assert texts_of([file, part("prompt", b"a boat")]) == {"prompt": "a boat"}


@pytest.mark.parametrize(
    "parts",
    [
        [part("prompt", b"a" * (MIB + 1))],
        [part("image", b"", is_file=True)] * 3,
        [part("prompt", b"")] * 101,
        [b"no form"],
    ],
    ids=["large text", "files", "fields", "no form"],
)
def test_form_that_cannot_be_read_is_refused(parts: Sequence[bytes]) -> None:
    with pytest.raises(BadRequest, match="the form cannot be read: "):
        texts_of(parts)
