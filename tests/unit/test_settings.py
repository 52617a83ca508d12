import os
from collections.abc import Iterator

import pytest
from pydantic import BaseModel, SecretStr, ValidationError

from schemas.settings import DEVELOPMENT_SECRET, Settings
from tests.unit.dotenv_example import variables


@pytest.fixture(autouse=True)
def _nothing_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.upper().startswith("REELWORKS_")]:
        monkeypatch.delenv(name)
    # The developer's own .env is not read either.
    monkeypatch.setitem(Settings.model_config, "env_file", None)


def variables_read(model: type[BaseModel], prefix: str = "REELWORKS_") -> Iterator[str]:
    """The environment variables from which a model is read: a nested model joins its name with two underscores."""
    for name, field in model.model_fields.items():
        variable = prefix + name.upper()
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from variables_read(field.annotation, f"{variable}__")
        else:
            yield variable


def test_the_example_lists_every_setting_and_nothing_else() -> None:
    listed = [variable.name for variable in variables() if not variable.compose_only]

    assert sorted(listed) == sorted(variables_read(Settings))


def test_compose_only_variables_are_not_mistaken_for_settings() -> None:
    compose_only = {variable.name for variable in variables() if variable.compose_only}

    assert compose_only
    assert not {name for name in compose_only if name.startswith("REELWORKS_")}


def test_every_line_of_the_example_is_explained() -> None:
    assert [variable.name for variable in variables() if not variable.explained] == []


def test_the_example_shows_the_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in variables():
        monkeypatch.setenv(variable.name, variable.value)
    shown = Settings()
    for variable in variables():
        monkeypatch.delenv(variable.name)

    assert shown == Settings()


def test_nested_names_are_joined_with_two_underscores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REELWORKS_PROVIDERS__KIE__TIMEOUT_SECONDS", "7.5")
    monkeypatch.setenv("REELWORKS_S3__BUCKET", "films")

    settings = Settings()

    assert (settings.providers.kie.timeout_seconds, settings.s3.bucket) == (7.5, "films")


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_every_spelling_of_a_postgresql_url_names_our_driver(scheme: str) -> None:
    settings = Settings(database_url=f"{scheme}://user:pass@db.example:5432/reelworks?sslmode=require")

    assert settings.database_url == "postgresql+psycopg://user:pass@db.example:5432/reelworks?sslmode=require"


@pytest.mark.parametrize(
    "url", ["sqlite:///reelworks.db", "mysql://u:p@h/d", "postgresql+asyncpg://u:p@h/d", "db:5432"]
)
def test_another_database_is_refused(url: str) -> None:
    with pytest.raises(ValidationError, match="must be a postgresql:// URL; Reelworks runs on PostgreSQL only"):
        Settings(database_url=url)


def test_no_database_url_is_left_to_the_embedded_server() -> None:
    assert Settings().database_url == ""


@pytest.mark.parametrize("secret", ["", DEVELOPMENT_SECRET])
def test_production_refuses_a_secret_that_everybody_knows(secret: str) -> None:
    with pytest.raises(ValidationError, match="REELWORKS_SECRET_KEY must be set in production"):
        Settings(environment="production", secret_key=SecretStr(secret))


def test_production_takes_a_secret_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REELWORKS_ENVIRONMENT", "production")
    monkeypatch.setenv("REELWORKS_SECRET_KEY", "5f1c")

    settings = Settings()

    assert (settings.environment, settings.secret_key.get_secret_value()) == ("production", "5f1c")


@pytest.mark.parametrize("slashes", ["", "/", "//"])
def test_the_public_url_ends_without_a_slash(slashes: str) -> None:
    assert Settings(public_url=f"https://api.example{slashes}").public_url == "https://api.example"


def test_a_printed_setting_shows_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    secrets = {
        "REELWORKS_DATABASE_URL": "postgresql://u:hidden-1@h/d",
        "REELWORKS_REDIS_URL": "redis://:hidden-2@h/0",
        "REELWORKS_S3__SECRET_KEY": "hidden-3",
        "REELWORKS_SECRET_KEY": "hidden-4",
        "REELWORKS_FLOWER_BASIC_AUTH": "admin:hidden-5",
        "REELWORKS_PROVIDERS__KIE__API_KEY": "hidden-6",
        "REELWORKS_PROVIDERS__KIE__WEBHOOK_KEY": "hidden-7",
    }
    for name, value in secrets.items():
        monkeypatch.setenv(name, value)

    assert "hidden" not in repr(Settings())
