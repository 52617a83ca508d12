"""The variables of the settings that other systems define."""

import pytest
import typer
from pydantic import ValidationError
from pydantic_settings import SettingsError

from cli import configuration
from schemas.settings import Settings, get_settings
from schemas.unprefixed import UNPREFIXED
from tests.support import variables_set

URL = "https://films.example"


@pytest.fixture(autouse=True)
def _nothing_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in variables_set():
        monkeypatch.delenv(name)
    monkeypatch.setitem(Settings.model_config, "env_file", None)


def value_of(settings: Settings, ours: str) -> object:
    """The value of the setting that a variable of ours sets."""
    values = settings.model_dump()
    for part in ours.removeprefix("REELWORKS_").lower().split("__"):
        values = values[part]
    return values.get_secret_value() if hasattr(values, "get_secret_value") else values


@pytest.mark.parametrize(
    ("name", "given", "expected", "other"),
    [
        ("KIE_AI_API_KEY", "kie-1", "kie-1", "kie-2"),
        ("RUNWAY_API_KEY", "runway-1", "runway-1", "runway-2"),
        ("RUNWAYML_API_SECRET", "runway-1", "runway-1", "runway-2"),
        ("CONVEX_SITE_URL", f"{URL}/", URL, "https://other.example"),
        ("SITE_URL", f"{URL}/", URL, "https://other.example"),
        ("VIDEO_TOKEN_COST", "50", 50, "7"),
        ("LONGCAT_VIDEO_ENDPOINT", URL, URL, "https://other.example"),
    ],
)
def test_a_name_of_an_earlier_service_stands_for_ours_and_ours_wins(
    monkeypatch: pytest.MonkeyPatch, name: str, given: str, expected: object, other: str
) -> None:
    ours = UNPREFIXED[name]
    monkeypatch.setenv(name, given)
    assert value_of(Settings(), ours) == expected

    monkeypatch.setenv(ours, other)
    assert value_of(Settings(), ours) == type(expected)(other)  # type: ignore[call-arg]  # str or int


def test_a_key_adds_to_the_other_settings_of_its_account(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KIE_AI_API_KEY", "kie-1")
    monkeypatch.setenv("REELWORKS_PROVIDERS__KIE__BASE_URL", URL)

    account = Settings().providers.named("kie")

    assert (account.base_url, account.api_key.get_secret_value()) == (URL, "kie-1")


def test_a_system_with_both_urls_takes_callbacks_at_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONVEX_SITE_URL", "https://calls.example")
    monkeypatch.setenv("SITE_URL", "https://pages.example")

    assert Settings().public_url == "https://calls.example"


def test_two_names_for_one_key_must_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = "RUNWAY_API_KEY", "RUNWAYML_API_SECRET"
    ours = UNPREFIXED[one]
    monkeypatch.setenv(one, "https://one.example")
    monkeypatch.setenv(other, "https://one.example")
    assert value_of(Settings(), ours) == "https://one.example"

    monkeypatch.setenv(other, "https://other.example")
    with pytest.raises(SettingsError) as refused:
        Settings()
    assert str(refused.value) == f"{one} and {other} differ, and both stand for {ours}: unset one, or set {ours}"

    monkeypatch.setenv(ours, "https://third.example")
    assert value_of(Settings(), ours) == "https://third.example"


def test_a_command_says_which_two_names_differ(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RUNWAY_API_KEY", "key-1")
    monkeypatch.setenv("RUNWAYML_API_SECRET", "key-2")
    get_settings.cache_clear()

    with pytest.raises(typer.Exit):
        configuration.plain_settings()

    assert "RUNWAY_API_KEY and RUNWAYML_API_SECRET differ" in capsys.readouterr().err


def test_a_wrong_value_is_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SITE_URL", "s3cret")

    with pytest.raises(ValidationError) as refused:
        Settings()

    assert "s3cret" not in str(refused.value)
