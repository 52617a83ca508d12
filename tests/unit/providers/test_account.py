import pytest
from pydantic import SecretStr

from providers.account import Account
from providers.transport import Transport
from schemas.errors import InvalidSettings
from schemas.settings import ProviderSettings

KEYED = {"Authorization": "Bearer key"}


def account(base_url: str) -> Account:
    """An account at a vendor that has no address of its own."""
    settings = ProviderSettings(api_key=SecretStr("key"), base_url=base_url)
    return Account("mine", settings, Transport(), base_url=None)


def test_an_account_without_an_address_names_the_variable() -> None:
    with pytest.raises(InvalidSettings, match="mine needs an address: set REELWORKS_PROVIDERS__MINE__BASE_URL"):
        account("")


@pytest.mark.parametrize("base_url", ["https://gw.example/v1", "https://gw.example/v1/"])
def test_a_path_lies_below_the_base_url(base_url: str) -> None:
    assert account(base_url).url("/videos/1/content") == "https://gw.example/v1/videos/1/content"


@pytest.mark.parametrize(
    ("base_url", "url"),
    [
        ("https://gw.example/v1", "https://gw.example/v1/videos/1/content"),
        ("https://gw.example/v1/", "https://gw.example/v1/videos/1/content?variant=video"),
        ("https://gw.example", "https://gw.example/videos/1/content"),
        ("https://GW.example:443/v1", "https://gw.example/v1/videos"),
        ("http://127.0.0.1:8090/openai_videos", "http://127.0.0.1:8090/openai_videos/videos/1/content"),
    ],
)
def test_our_key_goes_to_what_lies_below_the_base_url(base_url: str, url: str) -> None:
    assert account(base_url).headers_for(url) == KEYED


@pytest.mark.parametrize(
    "url",
    [
        "http://gw.example/v1/videos",
        "https://gw.example:8443/v1/videos",
        "https://gw.example.evil.example/v1/videos",
        "https://evil.example/v1/videos",
        "https://evilgw.example/v1/videos",
        "https://evil.example/https://gw.example/v1/videos",
        "https://gw.example@evil.example/v1/videos",
        "https://gw.example\\@evil.example/v1/videos",
        "https://gw.example/v1@evil.example/videos",
        "https://gw.example/v1",
        "https://gw.example/v10/videos",
        "https://gw.example/v2/videos",
        "https://gw.example/V1/videos",
        "https://gw.example/files/v1/videos",
        "https://gw.example/v1/../files/1",
        "https://gw.example/v1/%2e%2e/files/1",
        "https://gw.example/v1/..%2ffiles/1",
        "https://gw.example/v1%2fvideos",
        "//gw.example/v1/videos",
        "/v1/videos",
        "https://[gw.example/v1/videos",
        "",
    ],
)
def test_our_key_goes_nowhere_else(url: str) -> None:
    assert account("https://gw.example/v1").headers_for(url) == {}
