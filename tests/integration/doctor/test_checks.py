"""`reelworks doctor` finds faults of real services."""

import subprocess
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import psycopg
import pytest
from pydantic import SecretStr
from redis import Redis

from api_gateway import create_app
from cli.doctor import database, disks, gateway, objects, processes, redis, secrets, vendors
from cli.doctor.findings import Finding, Level
from schemas.setting_groups import ProvidersSettings
from schemas.settings import Settings
from stack import objectstore
from stack.ports import free_port
from storage.objects import ObjectStore
from tests.integration.gateway.serving import serving
from tests.support import clean_settings, eventually

Found = dict[str, tuple[Level, str]]


def found(findings: Iterator[Finding]) -> Found:
    """The level and the text of each finding, by its check."""
    return {finding.check: (finding.level, finding.says) for finding in findings}


def levels(findings: Iterator[Finding]) -> set[Level]:
    return {level for level, _ in found(findings).values()}


def with_settings(settings: Settings, **changes: object) -> Settings:
    return settings.model_copy(update=changes)


# The database


@pytest.mark.usefixtures("database")
def test_good_database_has_no_findings_but_its_facts(settings: Settings) -> None:
    told = found(database.checks(settings))
    assert told.pop("disk of the database")[0] in {Level.OK, Level.WARNING, Level.UNCHECKED}
    assert {level for level, _ in told.values()} <= {Level.OK}
    assert told["migrations"][1].startswith("the schema is the newest")


@pytest.fixture
def other_database(settings: Settings) -> Iterator[Settings]:
    """The settings of an empty database with another time zone on the same server."""
    with psycopg.connect(settings.database_url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE patient")
        connection.execute("ALTER DATABASE patient SET timezone = 'Asia/Tokyo'")
        yield with_settings(settings, database_url=settings.database_url.rpartition("/")[0] + "/patient")
        connection.execute("DROP DATABASE patient WITH (FORCE)")


def test_database_without_tables_or_with_an_earlier_schema_needs_a_migration(other_database: Settings) -> None:
    assert found(database.checks(other_database))["migrations"] == (
        Level.ERROR,
        "the database has none of our tables",
    )
    with psycopg.connect(other_database.database_url, autocommit=True) as connection:
        connection.execute("CREATE TABLE alembic_version (version_num text)")
        connection.execute("INSERT INTO alembic_version VALUES ('0001')")
        level, says = found(database.checks(other_database))["migrations"]
        assert (level, says.startswith("the schema is 0001, and this release needs ")) == (Level.ERROR, True)
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        assert found(database.checks(other_database))["migrations"][0] is Level.WARNING


def test_other_time_zone_of_the_database_is_named(other_database: Settings) -> None:
    level, says = found(database.checks(other_database))["time zone"]
    assert (level, "Asia/Tokyo" in says) == (Level.WARNING, True)


def test_database_that_does_not_answer_is_one_error_without_a_password(settings: Settings) -> None:
    away = with_settings(settings, database_url="postgresql://reelworks:s3cret@127.0.0.1:1/reelworks")
    (told,) = database.checks(away)
    assert (told.level, told.says.startswith("the database at 127.0.0.1:1 does not answer")) == (Level.ERROR, True)
    assert "s3cret" not in told.says


# Redis


@pytest.fixture
def redis_server(settings: Settings) -> Iterator[Redis]:
    """The run's Redis, whose configuration is put back."""
    with Redis.from_url(settings.redis_url) as client:
        names = ("maxmemory-policy", "maxmemory", "appendonly")
        before = {name: value for one in names for name, value in client.config_get(one).items()}
        yield client
        for name, value in before.items():
            client.config_set(name, value)


def test_good_redis_lacks_only_a_limit_of_memory(settings: Settings) -> None:
    told = found(redis.checks(settings))
    assert told.pop("redis memory")[0] is Level.WARNING
    assert {level for level, _ in told.values()} == {Level.OK}
    assert told.keys() == {"clock of Redis", "redis version", "redis mode", "redis eviction", "redis persistence"}


def test_redis_that_evicts_or_forgets_or_is_full_is_named(settings: Settings, redis_server: Redis) -> None:
    redis_server.config_set("maxmemory-policy", "allkeys-lru")
    redis_server.config_set("appendonly", "no")
    told = found(redis.checks(settings))
    assert told["redis eviction"] == (
        Level.ERROR,
        "the policy is allkeys-lru: a full Redis deletes whole queues and orders",
    )
    assert told["redis persistence"][0] is Level.WARNING
    redis_server.config_set("maxmemory-policy", "noeviction")
    used = int(redis_server.info("memory")["used_memory"])
    for share, level in ((0.5, Level.OK), (0.8, Level.WARNING), (0.95, Level.ERROR)):
        redis_server.config_set("maxmemory", int(used / share))
        assert found(redis.checks(settings))["redis memory"][0] is level


def test_redis_that_does_not_answer_is_one_error(settings: Settings) -> None:
    away = with_settings(settings, redis_url="redis://:s3cret@127.0.0.1:2/0")
    (told,) = redis.checks(away)
    assert (told.level, told.says) == (Level.ERROR, "Redis at 127.0.0.1:2 does not answer: ConnectionError")


# The object store


@pytest.mark.usefixtures("file_of_a_customer")
def test_private_store_is_well_and_refuses_its_file_to_strangers(settings: Settings) -> None:
    told = found(objects.checks(settings))
    assert {level for level, _ in told.values()} == {Level.OK}
    assert told["access without a key"][1].endswith("refuses strangers")


@pytest.fixture
def file_of_a_customer(objects: ObjectStore) -> Iterator[None]:
    """A customer's file in the store."""
    key = "customers/1/assets/image/1.png"
    objects.put_bytes(key, b"a picture", content_type="image/png")
    yield
    objects.remove(key)


def test_missing_bucket_names_the_command_that_makes_it(settings: Settings) -> None:
    other = with_settings(settings, s3=settings.s3.model_copy(update={"bucket": "elsewhere"}))
    assert found(objects.checks(other)) == {"bucket": (Level.ERROR, "the store has no bucket elsewhere")}


class _OpenStore(objectstore.ObjectStore):
    """A store that serves everybody."""

    def environment(self) -> dict[str, str]:
        return {name: value for name, value in super().environment().items() if name != "RCLONE_AUTH_KEY"}


def test_store_that_serves_strangers_is_an_error(settings: Settings, tmp_path: Path) -> None:
    store = _OpenStore(tmp_path, free_port(), access_key="", secret_key="", bucket="reelworks")
    store.prepare()
    process = subprocess.Popen(store.command(), env=store.environment(), stderr=subprocess.DEVNULL)
    try:
        eventually(store.answers, bool)
        s3 = settings.s3.model_copy(update={"public_endpoint": store.endpoint})
        told = [(one.level, one.says) for one in objects.checks(with_settings(settings, s3=s3))]
        assert (Level.ERROR, f"{store.endpoint} lists every file of every customer to strangers") in told
    finally:
        process.kill()
        process.wait()


# Servers with another clock, other answers


@pytest.fixture
def answering() -> Iterator[Callable[[int, dict[str, str]], str]]:
    """Starts a server that gives each request the same answer. Returns its address."""
    servers: list[ThreadingHTTPServer] = []

    def start(status: int, headers: dict[str, str]) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response_only(status)
                for name, value in {"Content-Length": "0", **headers}.items():
                    self.send_header(name, value)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"127.0.0.1:{server.server_address[1]}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def test_wrong_clock_of_a_server_is_an_error(
    settings: Settings, answering: Callable[[int, dict[str, str]], str]
) -> None:
    place = answering(403, {"Date": "Thu, 01 Jan 2026 00:00:00 GMT"})
    s3 = settings.s3.model_copy(update={"public_endpoint": place})
    level, says = found(objects.checks(with_settings(settings, s3=s3)))[f"clock of the object store at {place}"]
    assert (level, " s behind this machine" in says) == (Level.ERROR, True)


# The gateway


@pytest.mark.usefixtures("database")
def test_public_url_that_leads_to_our_gateway_is_well(settings: Settings) -> None:
    with serving(create_app(settings)) as client:
        url = str(client.base_url).rstrip("/")
        ours = with_settings(settings, public_url=url)
        told = found(gateway.public_url(ours))
        assert told["public URL"] == (Level.OK, f"{url} is our gateway, seen from this machine")
        assert told["clock of the gateway"][0] is Level.OK
        stranger = with_settings(ours, secret_key=SecretStr("a-key-of-another-installation-entirely"))
        level, says = found(gateway.public_url(stranger))["public URL"]
        assert (level, "has another secret key" in says) == (Level.ERROR, True)


@pytest.mark.parametrize(
    ("status", "headers", "says"),
    [
        (200, {}, "is not our gateway: it answers 200"),
        (404, {}, "/healthz answers 404: no gateway is there"),
        (301, {"Location": "https://www.example.com/"}, "redirects to https://www.example.com/"),
    ],
)
def test_public_url_that_leads_elsewhere_is_an_error(
    settings: Settings,
    answering: Callable[[int, dict[str, str]], str],
    status: int,
    headers: dict[str, str],
    says: str,
) -> None:
    elsewhere = with_settings(settings, public_url=f"http://{answering(status, headers)}")
    level, told = found(gateway.public_url(elsewhere))["public URL"]
    assert (level, says in told) == (Level.ERROR, True)


def test_private_public_url_names_the_providers_that_cannot_call_back(settings: Settings) -> None:
    kie = settings.providers.named("kie").model_copy(update={"base_url": ""})
    providers = settings.providers.with_accounts(kie=kie)
    private = with_settings(settings, providers=providers, public_url="http://127.0.0.1:8080")
    (told,) = gateway.callbacks(private)
    assert (told.level, "kie cannot call back" in told.says) == (Level.WARNING, True)
    assert list(gateway.callbacks(with_settings(private, public_url="https://reelworks.example.com"))) == []


# Providers


def test_refused_key_is_an_error_and_an_absent_vendor_a_warning(
    settings: Settings, answering: Callable[[int, dict[str, str]], str]
) -> None:
    def check(base_url: str) -> Found:
        kie = settings.providers.named("kie").model_copy(update={"base_url": base_url})
        return found(vendors.account(with_settings(settings, providers=ProvidersSettings({"kie": kie})), "kie"))

    assert check(f"http://{answering(401, {})}")["provider kie"][0] is Level.ERROR
    assert check("http://127.0.0.1:1")["provider kie"][0] is Level.WARNING


def test_configuration_without_an_account_is_a_warning(settings: Settings) -> None:
    (check,) = vendors.checks_of(with_settings(settings, providers=ProvidersSettings()))
    assert levels(iter(list(check.run(settings)))) == {Level.WARNING}


# Workers and beat


def test_each_role_without_a_worker_is_an_error_and_beat_cannot_be_seen(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "_LISTEN_SECONDS", 0.5)
    told = found(processes.checks(settings))
    assert told.pop("beat")[0] is Level.UNCHECKED
    assert {level for level, _ in told.values()} == {Level.ERROR}
    assert "work in submit, poll waits" in told["worker provider"][1]


# Disks, secrets and their files


def test_room_on_a_disk_is_compared_with_the_limits(tmp_path: Path) -> None:
    gib = 1024**3
    sizes = {(100 * gib, 6 * gib): Level.OK, (100 * gib, 4 * gib): Level.WARNING, (100 * gib, gib // 2): Level.ERROR}
    small = {(gib // 4, gib // 8): Level.OK, (gib // 4, gib // 50): Level.WARNING, (gib // 4, 1): Level.ERROR}
    for (total, free), level in {**sizes, **small}.items():
        assert disks.judged("it", "here", total=total, free=free).level is level
    assert str(tmp_path) in disks.room("it", tmp_path).says


@pytest.mark.parametrize(
    ("mode", "environment", "level"),
    [
        (0o600, "production", Level.OK),
        (0o644, "development", Level.WARNING),
        (0o640, "production", Level.ERROR),
        (0o622, "development", Level.ERROR),
    ],
)
def test_file_with_secrets_is_for_its_owner(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: int, environment: str, level: Level
) -> None:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / ".env"
    file.write_text("REELWORKS_SECRET_KEY=1\n")
    file.chmod(mode)
    settings = with_settings(clean_settings(), environment=environment)
    assert found(secrets.files(settings))[f"file {file}"][0] is level


def test_known_secret_is_an_error_where_strangers_reach_the_gateway() -> None:
    settings = clean_settings()
    assert levels(secrets.known_secrets(settings)) == {Level.WARNING}
    public = with_settings(settings, public_url="https://reelworks.example.com")
    (told,) = secrets.known_secrets(public)
    assert (told.level, "REELWORKS_SECRET_KEY" in told.says) == (Level.ERROR, True)
    own = {"secret_key": SecretStr("x" * 40), "database_url": "postgresql://u:postgres@db.example.com/d"}
    (told,) = secrets.known_secrets(with_settings(public, **own))
    assert "REELWORKS_DATABASE_URL" in told.says
    assert "postgres@" not in told.says
    own = {"secret_key": SecretStr("x" * 40)}
    assert levels(secrets.known_secrets(with_settings(public, **own))) == {Level.OK}
