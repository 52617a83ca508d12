from dataclasses import replace

import httpx
import pytest
from pydantic import BaseModel, ConfigDict, SecretStr

from providers.account import Account, read_options
from providers.base import Profile
from providers.http.calls import Form
from providers.http.transport import Transport
from schemas.errors import InvalidSettings
from schemas.provider_errors import ProviderBadResponse
from schemas.setting_groups import ProviderSettings

KEYED = {"Authorization": "Bearer key"}
NOWHERE = Profile(title="A gateway", base_url=None)
SOMEWHERE = Profile(title="A vendor", base_url="https://gw.example")


def account(base_url: str) -> Account:
    """An account at a vendor whose profile has no address."""
    settings = ProviderSettings(api_key=SecretStr("key"), base_url=base_url)
    return Account("mine", settings, Transport(), NOWHERE)


def test_an_account_without_an_address_is_refused_with_the_variable() -> None:
    with pytest.raises(InvalidSettings, match="mine needs an address: set REELWORKS_PROVIDERS__MINE__BASE_URL"):
        account("")


@pytest.mark.parametrize("base_url", ["https://gw.example/v1", "https://gw.example/v1/"])
def test_a_path_is_appended_to_the_base_url(base_url: str) -> None:
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
def test_our_key_is_sent_below_the_base_url(base_url: str, url: str) -> None:
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
def test_our_key_is_sent_to_no_other_url(url: str) -> None:
    assert account("https://gw.example/v1").headers_for(url) == {}


def test_other_credentials_replace_the_key() -> None:
    made = iter(["first", "second"])
    own = Account(
        "mine",
        ProviderSettings(api_key=SecretStr("key")),
        Transport(),
        SOMEWHERE,
        credentials=lambda: {"x-token": next(made)},
    )

    assert [own.headers_for("https://gw.example/file") for _ in range(2)] == [
        {"x-token": "first"},
        {"x-token": "second"},
    ]


def test_the_profile_decides_the_headers() -> None:
    sent: list[httpx.Headers] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request.headers)
        return httpx.Response(200)

    profile = replace(SOMEWHERE, key_header="x-key", key_scheme="", headers={"x-version": "2"})
    transport = Transport(http=httpx.MockTransport(answer))
    Account("mine", ProviderSettings(api_key=SecretStr("key")), transport, profile).call("poll", "GET", "/1")
    assert (sent[0]["x-key"], sent[0]["x-version"], "authorization" in sent[0]) == ("key", "2", False)


def test_the_secrets_are_the_keys_of_every_account_and_the_credentials_of_the_last_call() -> None:
    settings = ProviderSettings(
        api_key=SecretStr("key"),
        webhook_key=SecretStr("hook"),
        options={"secret_key": SecretStr("pair"), "location": SecretStr("eu")},
    )
    answers = httpx.MockTransport(lambda _request: httpx.Response(400))
    transport = Transport(http=answers, secrets=["another account's"])
    profile = replace(SOMEWHERE, headers={"x-version": "2024-11-06"})
    own = Account("mine", settings, transport, profile, credentials=lambda: {"x-token": "a-token-made-of-it"})
    own.call("poll", "GET", "/1")
    assert set(own.secrets()) == {"key", "hook", "pair", "another account's", "a-token-made-of-it"}


def seconds_of_calls(settings: ProviderSettings, *, create_seconds: float | None) -> tuple[float, float]:
    """The time limits of a create and of a read."""
    limits: list[float] = []

    def answer(request: httpx.Request) -> httpx.Response:
        limits.append(request.extensions["timeout"]["read"])
        return httpx.Response(200)

    transport = Transport(http=httpx.MockTransport(answer))
    own = Account("mine", settings, transport, replace(SOMEWHERE, create_seconds=create_seconds))
    own.call("submit", "POST", "", body={}, fence=lambda: None)
    own.call("poll", "GET", "/1")
    return limits[0], limits[1]


def test_the_profile_can_allow_creates_more_time_than_reads() -> None:
    assert seconds_of_calls(ProviderSettings(), create_seconds=180) == (180, 30)
    assert seconds_of_calls(ProviderSettings(), create_seconds=None) == (30, 30)


@pytest.mark.parametrize("seconds", [7.5, 30])
def test_the_operators_time_limit_applies_to_every_call(seconds: float) -> None:
    assert seconds_of_calls(ProviderSettings(timeout_seconds=seconds), create_seconds=180) == (seconds, seconds)


def test_a_file_is_not_posted_over_http_if_the_api_is_https() -> None:
    with pytest.raises(ProviderBadResponse, match="an address for upload that is not https"):
        account("https://gw.example").post_elsewhere("upload", "http://bucket.example/1", Form({}))


class Options(BaseModel):
    model_config = ConfigDict(extra="forbid")

    project: str
    location: str = "global"


def with_options(**options: str) -> ProviderSettings:
    return ProviderSettings(options={name: SecretStr(value) for name, value in options.items()})


def test_options_are_read_into_the_adapters_model() -> None:
    assert read_options("mine", with_options(project="films"), Options) == Options(project="films")


@pytest.mark.parametrize(
    ("options", "variable"),
    [({}, "PROJECT"), ({"project": "films", "region": "eu"}, "REGION")],
)
def test_a_missing_or_unknown_option_is_refused_with_its_variable_and_the_known_options(
    options: dict[str, str], variable: str
) -> None:
    wanted = f"REELWORKS_PROVIDERS__MINE__OPTIONS__{variable}: .*options of mine are: location, project"

    with pytest.raises(InvalidSettings, match=wanted):
        read_options("mine", with_options(**options), Options)
