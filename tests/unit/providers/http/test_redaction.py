import base64
import html
import json
import random
import re
from urllib.parse import quote, quote_plus

import pytest

from providers.http.redaction import quotable, without_links

KEY = "sk-live/secret+key=9"
TOKEN = "aB-_" * 10 + "abc"
PROMPT = "a red fox jumps over\nthe lazy dog"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain words", "plain words"),
        ("two\nlines\x00 and\ttabs  ", "two lines and tabs"),
        ("see https://x.example/a?token=1, please", "see [link] please"),
        ("S3://bucket/key", "[link]"),
        ("cannot read s3.example/b/k.png?x-amz-signature=1 now", "cannot read [link] now"),
        (f"cannot read /inputs/uploads/k.png?e=1&t={'aB-_' * 10}abc now", "cannot read [link] now"),
        ("is a?t=1 wrong", "is a?t=1 wrong"),
        (f"the prompt '{PROMPT}' is bad", "the prompt '[…]' is bad"),
        ("the prompt 'a red fox jumps ove…' is bad", "the prompt '[…]…' is bad"),
        ("over the lazy dog", "[…]"),
        ("a red one", "a red one"),
        ("key sk-1 is wrong", "key […] is wrong"),
        ("", ""),
    ],
)
def test_quotable_removes_links_and_secrets(text: str, expected: str) -> None:
    assert quotable(text, secrets=(PROMPT, "sk-1", "")) == expected


def test_a_quotation_is_short() -> None:
    assert quotable("x" * 300) == "x" * 300
    assert quotable("x" * 301) == "x" * 299 + "…"


@pytest.mark.parametrize("length", [1_800, 1_880, 1_985, 5_000])
def test_a_long_text_is_cut_between_words(length: int) -> None:
    told = quotable(f"see https://x.example/{'a' * length} sk-secret-api-key and so on", secrets=["sk-secret-api-key"])
    assert "sk-" not in told
    assert "aaa" not in told


def test_only_the_beginning_of_a_large_text_is_quoted() -> None:
    assert quotable("a." * 500_000) == "a." * 149 + "a…"


@pytest.mark.parametrize(
    "form",
    [
        KEY,
        KEY.upper(),
        f"Bearer {KEY}",
        KEY[:20],
        base64.b64encode(KEY.encode()).decode(),
        base64.b64encode(f"user:{KEY}".encode()).decode(),
        base64.urlsafe_b64encode(f"{KEY}:".encode()).decode(),
        quote(KEY, safe=""),
        quote_plus(PROMPT),
        json.dumps(PROMPT),
        html.escape(PROMPT),
        PROMPT.upper(),
        repr(PROMPT),
        quote("https://gw.example/callbacks/kie/1?t=secret", safe=""),
        r"https:\/\/gw.example\/callbacks\/kie\/1?t=secret",
        TOKEN,
        f"t={TOKEN}",
        f"callbacks%2Fkie%2F1%3Ft%3D{TOKEN}",
    ],
)
def test_every_form_of_a_secret_is_removed(form: str) -> None:
    told = quotable(f"we were sent {form} and refuse", secrets=(KEY, PROMPT))
    rest = told.replace("[…]", "").replace("[link]", "").split("sent ")[1].split(" and ")[0]
    assert len(rest) < 12, told


def test_a_short_prompt_does_not_blank_a_text() -> None:
    assert quotable('prompt "a" is not a good one', secrets=["a"]) == 'prompt "[…]" is not a good one'
    assert quotable("a boat, or two boats?", secrets=["boat"]) == "a […], or two boats?"
    assert quotable("提示词红色的苹果违规", secrets=["红色的苹果"]) == "提示词[…]违规"


# The links in one pattern: easy to read, and slow for long words.
PLAIN = re.compile(
    r"\b[a-z][a-z0-9+.-]*:(?:\\?/){2}\S+|\S*\bhttps?%3A%2F%2F\S*|\S*X-Amz-\S*"
    r"|\S*(?:[?&]|%3F|%26)t(?:=|%3D)[\w-]{43}\S*|\bdata:[^\s,]*;base64,\S*",
    re.IGNORECASE,
)
PARTS = (
    *(
        "a",
        "Z",
        "7",
        "+",
        ".",
        "-",
        "_",
        ":",
        "/",
        "\\/",
        "//",
        "://",
        " ",
        "\n",
        "(",
        ",",
        ";",
        "é",
        "?t=",
        "%3Ft%3D",
        "&T=",
    ),
    *("http", "HTTPS%3a%2F%2f", "X-Amz-", "data:", ";base64,", "image/png", "s3:\\/\\/", TOKEN, TOKEN[:42]),
)


def test_links_are_those_of_the_plain_pattern() -> None:
    chance = random.Random(22)
    for _ in range(5_000):
        text = "".join(chance.choices(PARTS, k=chance.randrange(1, 9)))
        assert without_links(text) == PLAIN.sub("[link]", text), text


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "part", ["a", "a.", "a:", "?t=", "data:", "data:;base64", "https%3A", "X-Amz", "%3Ft=", "://", "_://", ":// ", "-."]
)
def test_a_hostile_text_takes_no_more_time_than_another(part: str) -> None:
    """A search that begins again at each character would need hours."""
    text = part * (500_000 // len(part))
    assert len(without_links(text)) <= len(text)
