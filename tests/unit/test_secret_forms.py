"""A stranger's text costs time in proportion to its length, whatever the text looks like."""

import time

import pytest

from schemas.secret_forms import without_secret_forms

# Each begins a form or goes on with one, and none is a whole secret.
PIECES = [
    *("%3Fa", "%26", "%3F%3D", "a", "aA_-", "a.", "a+", "a:", "a1", "://", "a://", ":\\/\\/", "u:p@", "@", "[::", "/"),
    *("?", "?a", "?a=", "?[", "data:", ";base64", ";base64,", "data:a;", "sk-", "sk-a-", "rw_", "rw_test_", "whsec_"),
    *("Key ", "key ", "token  ", "Bearer:", "Key\t", "key a", "api_key", "api_key=", "token", "secret_", "&key"),
    *(
        "password':",
        'password": ',
        "eyJ",
        "eyJaaaaaaaa-",
        "eyJaaaaaaaa.",
        "-",
        ".",
        "=",
        " ",
        "\n",
        "'",
        '"a',
        "0",
        "é",
    ),
]
SIZES = (4_096, 16_384, 65_536)
# A quadratic pattern needs a hundred times as long for the largest text.
_TOO_SHORT_TO_COMPARE = 0.1
_GROWTH = 10


def seconds(text: str) -> float:
    """The processor's time of one removal."""
    began = time.thread_time()
    without_secret_forms(text)
    return time.thread_time() - began


@pytest.mark.parametrize("before", ["", "Key ", "eyJaaaaaaaa."])
@pytest.mark.parametrize("piece", PIECES)
def test_four_times_the_text_costs_about_four_times_the_time(before: str, piece: str) -> None:
    texts = [before + piece * (size // len(piece)) for size in SIZES]
    bound = _TOO_SHORT_TO_COMPARE
    for text in texts:
        # Other processes can disturb a measurement, but hardly three.
        spent = next((spent for _ in range(3) if (spent := seconds(text)) < bound), None)
        assert spent is not None, f"{piece!r} at {len(text)} characters"
        bound = max(_TOO_SHORT_TO_COMPARE, spent * _GROWTH)
