from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel, SecretStr, ValidationError

from schemas.setting_groups import ProviderSettings, ProvidersSettings, S3Settings
from schemas.settings import DEVELOPMENT_SECRET, Settings
from schemas.unprefixed import UNPREFIXED
from tests.support import variables_set
from tests.unit.dotenv_example import variables

ENDPOINT, KEY = "LONGCAT_VIDEO_ENDPOINT", "LONGCAT_API_KEY"
OURS = "REELWORKS_PROVIDERS__LONGCAT__"


@pytest.fixture(autouse=True)
def _nothing_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in variables_set():
        monkeypatch.delenv(name)
    # The developer's own .env is not read either.
    monkeypatch.setitem(Settings.model_config, "env_file", None)


def variables_read(model: type[BaseModel], prefix: str = "REELWORKS_") -> Iterator[str]:
    """The environment variables from which a model is read: a nested model joins its name with two underscores."""
    for name, field in model.model_fields.items():
        variable = prefix + name.upper()
        if field.annotation is ProvidersSettings:
            # The example shows one account.
            yield from variables_read(ProviderSettings, f"{variable}__KIE__")
        elif isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from variables_read(field.annotation, f"{variable}__")
        else:
            yield variable


def test_the_example_lists_every_setting_and_nothing_else() -> None:
    listed = [variable.name for variable in variables() if not variable.compose_only]

    assert sorted(listed) == sorted([*variables_read(Settings), *UNPREFIXED])


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

    assert shown.providers == ProvidersSettings({"kie": ProviderSettings()})
    assert shown.model_copy(update={"providers": ProvidersSettings()}) == Settings()


def test_nested_names_are_joined_with_two_underscores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REELWORKS_PROVIDERS__KIE__TIMEOUT_SECONDS", "7.5")
    monkeypatch.setenv("REELWORKS_PROVIDERS__VERTEX__OPTIONS__PROJECT", "films")
    monkeypatch.setenv("REELWORKS_S3__BUCKET", "films")

    settings = Settings()

    assert (settings.providers.named("kie").timeout_seconds, settings.s3.bucket) == (7.5, "films")
    assert settings.providers.named("vertex").options["project"].get_secret_value() == "films"


def longcat(settings: Settings) -> tuple[str, str]:
    """Address and key of the account."""
    account = settings.providers.named("longcat")
    return account.base_url, account.api_key.get_secret_value()


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({ENDPOINT: "https://a", KEY: "a"}, ("https://a", "a")),
        ({ENDPOINT: "https://a", KEY: "a", f"{OURS}API_KEY": "b"}, ("https://a", "b")),
        ({ENDPOINT: "https://a", KEY: "a", f"{OURS}BASE_URL": "https://b"}, ("https://b", "a")),
        ({ENDPOINT: "https://a", KEY: "a", "REELWORKS_PROVIDERS": '{"longcat": {"api_key": "b"}}'}, ("https://a", "b")),
        ({KEY: "a", f"{OURS}BASE_URL": "https://b"}, ("https://b", "a")),
        ({KEY: "a", f"{OURS}BASE_URL": "https://b", f"{OURS}API_KEY": ""}, ("https://b", "a")),
        ({ENDPOINT: "https://a", f"{OURS}API_KEY": "b"}, ("https://a", "b")),
        ({ENDPOINT: "https://a"}, ("https://a", "")),
        ({}, ("", "")),
    ],
)
def test_an_endpoint_of_longcat_is_known_by_its_usual_names_where_ours_are_not_set(
    monkeypatch: pytest.MonkeyPatch, given: dict[str, str], expected: tuple[str, str]
) -> None:
    for name, value in given.items():
        monkeypatch.setenv(name, value)

    assert longcat(Settings()) == expected


@pytest.mark.parametrize("given", [{KEY: "a"}, {ENDPOINT: "", KEY: "a"}, {KEY: "a", f"{OURS}CALLBACKS": "false"}])
def test_a_key_that_is_for_another_service_opens_no_account(
    monkeypatch: pytest.MonkeyPatch, given: dict[str, str]
) -> None:
    for name, value in given.items():
        monkeypatch.setenv(name, value)

    assert longcat(Settings()) == ("", "")


def test_the_usual_names_of_an_endpoint_may_stand_in_the_env_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / ".env"
    file.write_text(f"{ENDPOINT}=https://file\n{KEY}=file\nREELWORKS_PROVIDERS__KIE__API_KEY=file\n")
    monkeypatch.setenv(KEY, "shell")

    settings = Settings(_env_file=file)

    assert longcat(settings) == ("https://file", "shell")
    assert settings.providers.names() == ["kie", "longcat"]
    assert "shell" not in repr(settings)


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_every_spelling_of_a_postgresql_url_is_kept_as_the_one_that_every_tool_reads(scheme: str) -> None:
    settings = Settings(database_url=f"{scheme}://user:pass@db.example:5432/reelworks?sslmode=require")

    assert settings.database_url == "postgresql://user:pass@db.example:5432/reelworks?sslmode=require"


@pytest.mark.parametrize(
    "url", ["sqlite:///reelworks.db", "mysql://u:p@h/d", "postgresql+asyncpg://u:p@h/d", "db:5432"]
)
def test_another_database_is_refused(url: str) -> None:
    with pytest.raises(ValidationError, match="must be a postgresql:// URL; Reelworks runs on PostgreSQL only"):
        Settings(database_url=url)


def test_no_database_url_is_left_to_the_embedded_server() -> None:
    assert Settings().database_url == ""


@pytest.mark.parametrize(
    "url", ["redis://h", "redis://h:6379/0", "rediss://u:p@h:6380/1?ssl_cert_reqs=required", "redis://:p%2Fw@[::1]:1/0"]
)
def test_a_redis_url_is_taken_as_it_is(url: str) -> None:
    assert Settings(redis_url=url).redis_url == url


@pytest.mark.parametrize(
    "url",
    [
        "s3cret",
        "http://:s3cret@h/0",
        "redis://:s3cret@/0",
        "redis://:s3c/ret@h/0",
        "redis://h:s3cret/0",
        "redis://h:99999/0",
        "redis://h/s3cret",
        "redis://:s3cret@[h/0",
        "redis://:s3cret@h℀/0",
    ],
)
def test_another_redis_url_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(ValidationError, match=r"must be redis://\[:PASSWORD@\]HOST") as refused:
        Settings(redis_url=url)

    for part in ("s3cret", "s3c", "99999", "℀"):
        assert part not in str(refused.value)


@pytest.mark.parametrize("endpoint", ["", "s3", "s3:8333", "s3.eu-west-1.example.com", "10.0.0.1:9000", "[::1]:9000"])
def test_an_s3_endpoint_is_a_host_and_perhaps_a_port(endpoint: str) -> None:
    settings = S3Settings(endpoint=endpoint, public_endpoint=endpoint)

    assert (settings.endpoint, settings.public_endpoint) == (endpoint, endpoint)


@pytest.mark.parametrize("field", ["endpoint", "public_endpoint"])
@pytest.mark.parametrize(
    "endpoint", ["http://s3cret:8333", "s3cret/bucket", "u:s3cret@h", "s3cret:", "s3cret:x", "s3cret:99999", "s3 cret"]
)
def test_another_s3_endpoint_is_refused_without_repeating_it(field: str, endpoint: str) -> None:
    with pytest.raises(ValidationError, match="must be HOST or HOST:PORT, without a scheme or a path") as refused:
        Settings.model_validate({"s3": {field: endpoint}})

    assert "cret" not in str(refused.value)


def test_no_error_repeats_a_value(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = {
        "REELWORKS_DATABASE_URL": "mysql://u:s3cret@h/d",
        "REELWORKS_GATEWAY_PORT": "s3cret",
        "REELWORKS_LOG_LEVEL": "s3cret",
        "REELWORKS_PIPELINE__LEASE_SECONDS": "s3cret",
        "REELWORKS_DOWNLOADS__ALLOWED_PRIVATE_NETWORKS": '["s3cret"]',
    }
    for name, value in wrong.items():
        monkeypatch.setenv(name, value)

    with pytest.raises(ValidationError) as refused:
        Settings()

    # Each network is tried as IPv4 and as IPv6.
    assert refused.value.error_count() == len(wrong) + 1
    assert "s3cret" not in str(refused.value)


@pytest.mark.parametrize("hours", ["24", "0", "-1", "1e9"])
def test_an_orphan_is_never_younger_than_the_longest_deadline(monkeypatch: pytest.MonkeyPatch, hours: str) -> None:
    monkeypatch.setenv("REELWORKS_RETENTION__ORPHAN_HOURS", hours)

    with pytest.raises(ValidationError, match="orphan_hours"):
        Settings()


def test_files_are_kept_for_ever_unless_a_retention_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Settings().retention.asset_days is None
    monkeypatch.setenv("REELWORKS_RETENTION__ASSET_DAYS", "0.5")
    assert Settings().retention.asset_days == 0.5


@pytest.mark.parametrize("secret", ["", DEVELOPMENT_SECRET])
def test_production_refuses_a_secret_that_everybody_knows(secret: str) -> None:
    with pytest.raises(ValidationError, match="must be set to a secret of your own in production"):
        Settings(environment="production", secret_key=SecretStr(secret))


def test_keys_of_a_rotation_count_and_none_is_known_to_everybody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REELWORKS_SECRET_KEY", "now")
    monkeypatch.setenv("REELWORKS_ALSO_ACCEPTED_SECRET_KEYS", '["earlier"]')
    assert Settings().accepted_keys == ["now", "earlier"]

    for keys, environment in (("", "development"), (DEVELOPMENT_SECRET, "production")):
        monkeypatch.setenv("REELWORKS_ENVIRONMENT", environment)
        monkeypatch.setenv("REELWORKS_ALSO_ACCEPTED_SECRET_KEYS", f'["{keys}"]')
        with pytest.raises(ValidationError, match="holds a key that everybody knows"):
            Settings()


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
        "REELWORKS_PROVIDERS__KLING__API_KEY": "hidden-8",
        "REELWORKS_PROVIDERS__KLING__WEBHOOK_KEY": "hidden-9",
        "REELWORKS_PROVIDERS__REPLICATE__API_KEY": "hidden-10",
        "REELWORKS_PROVIDERS__REPLICATE__WEBHOOK_KEY": "hidden-11",
    }
    for name, value in secrets.items():
        monkeypatch.setenv(name, value)

    assert "hidden" not in repr(Settings())


def test_providers_are_told_the_gateways_own_address_unless_another_is_set() -> None:
    assert Settings(gateway_host="0.0.0.0", gateway_port=9000).public_url == "http://127.0.0.1:9000"
    assert Settings(public_url="https://api.example").public_url == "https://api.example"


@pytest.mark.parametrize("url", ["api.example", "ftp://api.example", "https://", "https:///x", "https://a.example?x=1"])
def test_a_public_url_that_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(ValidationError, match="must be http://HOST"):
        Settings(public_url=url)


def test_the_data_folder_may_lie_at_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/films")
    monkeypatch.setenv("REELWORKS_DATA_FOLDER", "~/reelworks")
    assert Settings().data_folder == Path("/home/films/reelworks")


@pytest.mark.parametrize("url", ["", "https://films.example", "https://films.example/pricing?from=api#plans"])
def test_the_page_on_which_customers_buy_credits_is_any_page(url: str) -> None:
    assert Settings(credits_url=url).credits_url == url


@pytest.mark.parametrize("url", ["films.example", "javascript:alert(1)", "https://", "https://films example"])
def test_another_text_for_the_page_is_refused(url: str) -> None:
    with pytest.raises(ValidationError, match="credits_url"):
        Settings(credits_url=url)
