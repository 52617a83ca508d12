from concurrent.futures import ThreadPoolExecutor
from time import sleep

import pytest
from jwt.warnings import InsecureKeyLengthWarning

from providers.adapters.kling_legacy.tokens import Tokens, make_token

SECRET_KEY = "a secret key that nobody may read"
NOW = 1_700_000_000

# The access key, the secret key and the moment; the token was made by hand of the documented header and payload.
VECTOR = (
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9"
    ".eyJpc3MiOiJhay1kZW1vIiwiZXhwIjoxNzAwMDAxODAwLCJuYmYiOjE2OTk5OTk5OTV9"
    ".kH6HGn-ssFUwQGVcz9eFoUFQzJuOlnqG0XQ8jn5X4M8"
)


def test_a_token_equals_the_documented_one() -> None:
    with pytest.warns(InsecureKeyLengthWarning):
        assert make_token("ak-demo", "sk-demo", NOW) == VECTOR


def test_threads_share_one_token() -> None:
    inside, most, now = 0, 0, NOW

    def clock() -> float:
        nonlocal inside, most, now
        inside, now = inside + 1, now + 1
        most = max(most, inside)
        sleep(0.001)
        inside -= 1
        return float(now)

    tokens = Tokens("the-access-key", SECRET_KEY, clock)
    with ThreadPoolExecutor(8) as pool:
        headers = list(pool.map(lambda _: tokens.headers()["Authorization"], range(200)))
    assert (most, len(set(headers))) == (1, 1)
