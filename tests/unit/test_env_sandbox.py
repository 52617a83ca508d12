"""`.env.sandbox`, with which `compose.yaml` runs without a vendor account."""

import pytest
from dotenv import dotenv_values
from pydantic import SecretStr, ValidationError

from providers.registry import adapter_names
from sandbox import vendors
from schemas.setting_groups import S3Settings
from schemas.settings import DEVELOPMENT_SECRET, Settings
from tests.support import variables_set
from tests.unit import compose_file
from tests.unit.compose_file import Compose
from tests.unit.dotenv_example import variables

FILE = ".env.sandbox"
GIVEN = {name: value or "" for name, value in dotenv_values(FILE).items()}


@pytest.fixture(scope="module")
def compose() -> Compose:
    """The file with nothing but what the example gives."""
    return compose_file.read(GIVEN)


@pytest.fixture
def settings(compose: Compose, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The settings of a gateway's container: those of its `env_file`, and `environment` over them."""
    for name in variables_set():
        monkeypatch.delenv(name)
    for name, value in {**GIVEN, **compose.services["gateway"].environment}.items():
        monkeypatch.setenv(name, value)
    return Settings(_env_file=None)


def test_the_containers_read_it(compose: Compose) -> None:
    for service in compose.services.values():
        assert {file.path for file in service.env_file} <= {FILE}
    assert compose.services["gateway"].env_file


def test_without_it_the_containers_read_the_operators_file() -> None:
    given = dict.fromkeys(compose_file.required_variables(), "given")

    assert [file.path for file in compose_file.read(given).services["gateway"].env_file] == [".env"]


def test_it_starts_the_sandbox_and_keeps_its_volumes_apart(compose: Compose) -> None:
    assert GIVEN["COMPOSE_PROFILES"].split(",") == compose.services["sandbox"].profiles
    assert GIVEN["COMPOSE_PROJECT_NAME"] != compose.name


def test_every_vendor_is_the_sandbox(compose: Compose, settings: Settings) -> None:
    sandbox = compose.services["sandbox"].environment

    assert set(settings.providers.names()) == adapter_names()
    for name in adapter_names():
        account = settings.providers.named(name)
        assert account.base_url == f"{sandbox['SANDBOX_PUBLIC_URL']}/{name}"
        assert account.api_key.get_secret_value() == sandbox["SANDBOX_API_KEY"]
        given = {option: value.get_secret_value() for option, value in account.options.items()}
        assert given == vendors.options(name, account.base_url)


def test_the_sandbox_reaches_the_gateway(compose: Compose, settings: Settings) -> None:
    assert settings.public_url == "http://gateway:8080"
    assert settings.gateway_port == 8080
    assert set(compose.services["gateway"].networks) & set(compose.services["sandbox"].networks)


def test_files_may_be_fetched_within_the_containers_network(settings: Settings) -> None:
    networks = ["172.16.0.0/12", "192.168.0.0/16"]

    assert [str(network) for network in settings.downloads.allowed_private_networks] == networks
    assert [str(network) for network in settings.inputs.allowed_private_networks] == networks


def test_every_variable_exists() -> None:
    of_compose = {"COMPOSE_PROJECT_NAME", "COMPOSE_PROFILES"}
    known = {variable.name for variable in variables()} | of_compose

    assert {name for name in GIVEN if not name.startswith("REELWORKS_PROVIDERS__")} <= known


def test_production_refuses_it_as_a_whole(settings: Settings) -> None:
    with pytest.raises(ValidationError) as caught:
        Settings(_env_file=None, environment="production")

    refused = {str(error["loc"][0]) for error in caught.value.errors()}
    assert refused >= {"database_url", "redis_url", "s3", "flower_basic_auth"}


@pytest.mark.parametrize("name", ["database_url", "redis_url", "access_key", "s3", "flower_basic_auth"])
def test_production_refuses_each_of_its_secrets(settings: Settings, name: str) -> None:
    """The variables of the example are set: where no secret of one's own is given, its secret is read."""
    access_key = settings.s3.access_key if name == "access_key" else "5f1c"
    own: dict[str, object] = {
        "secret_key": SecretStr("5f1c"),
        "database_url": "postgresql://reelworks:5f1c@postgres/reelworks",
        "redis_url": "redis://:5f1c@redis:6379/0",
        "s3": S3Settings(endpoint="s3", access_key=access_key, secret_key=SecretStr("5f1c")),
        "flower_basic_auth": SecretStr("operator:5f1c"),
        "environment": "production",
    }
    own.pop(name, None)

    with pytest.raises(ValidationError) as caught:
        Settings.model_validate(own)

    [error] = caught.value.errors()
    assert error["loc"] == ("s3" if name == "access_key" else name,)
    assert "the secret of an example, which everybody knows" in error["msg"]
    assert "development-only" not in str(caught.value)


def test_the_key_of_callbacks_is_the_one_that_production_refuses(settings: Settings) -> None:
    assert settings.secret_key.get_secret_value() == DEVELOPMENT_SECRET


def test_production_takes_secrets_of_its_own(settings: Settings) -> None:
    own = Settings(
        _env_file=None,
        environment="production",
        secret_key=SecretStr("5f1c"),
        database_url="postgresql://reelworks:5f1c@postgres/reelworks",
        redis_url="redis://:5f1c@redis:6379/0",
        s3=S3Settings(endpoint="s3", access_key="5f1c", secret_key=SecretStr("5f1c")),
        flower_basic_auth=SecretStr("operator:5f1c"),
    )

    assert own.environment == "production"
