import json
import re
from importlib.resources import files
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from schemas.settings import Settings
from tests.unit import compose_file
from tests.unit.compose_file import ALL, GIVEN, METRICS, OURS, Compose, MissingVariable, Service
from tests.unit.dotenv_example import variables
from tests.unit.test_settings import variables_read
from workers.roles import Role


@pytest.fixture(scope="module")
def compose() -> Compose:
    """The file with nothing but the required variables."""
    return compose_file.read(GIVEN)


def test_the_file_is_what_the_compose_specification_allows() -> None:
    """No engine runs here: the Specification's own schema, as check-jsonschema ships it, stands in for one."""
    schema = json.loads((files("check_jsonschema") / "builtin_schemas/vendor/compose-spec.json").read_text())

    assert [error.message for error in Draft202012Validator(schema).iter_errors(compose_file.document(GIVEN))] == []


def test_the_services_are_every_process_of_ours_and_what_they_stand_on(compose: Compose) -> None:
    assert set(compose.services) == ALL


@pytest.mark.parametrize("role", list(Role))
def test_each_role_has_workers_that_are_asked_for_their_health(compose: Compose, role: Role) -> None:
    service = compose.services[f"worker-{role}"]

    assert service.command == ["worker", "--role", role]
    assert service.healthcheck is not None
    assert service.healthcheck.test == ["CMD", "python", "-m", "workers.health", "worker", role]


def test_everything_that_stays_up_has_a_health_check_and_a_restart(compose: Compose) -> None:
    unchecked = {name for name, service in compose.services.items() if service.healthcheck is None}
    once = {name for name, service in compose.services.items() if service.restart == "no"}

    assert (unchecked, once) == ({"migrate"}, {"migrate"})


def test_dependencies_can_be_met(compose: Compose) -> None:
    for service in compose.services.values():
        for name, dependency in service.depends_on.items():
            on = compose.services[name]
            assert set(on.profiles) <= set(service.profiles)
            assert (on.restart == "no") == (dependency.condition == "service_completed_successfully")


def test_ours_start_on_a_migrated_database_and_healthy_services(compose: Compose) -> None:
    def conditions(service: Service) -> dict[str, str]:
        return {name: dependency.condition for name, dependency in service.depends_on.items()}

    healthy = {"postgres": "service_healthy", "s3": "service_healthy"}
    assert conditions(compose.services["migrate"]) == healthy
    for name in OURS - {"migrate"}:
        assert conditions(compose.services[name]) == {
            **healthy,
            "redis": "service_healthy",
            "migrate": "service_completed_successfully",
        }


def test_only_the_gateway_and_flower_are_published_and_on_loopback(compose: Compose) -> None:
    published = {
        name: service.ports for name, service in compose.services.items() if service.ports and not service.profiles
    }

    assert published == {"gateway": ["127.0.0.1:8080:8080"], "flower": ["127.0.0.1:5555:5555"]}


def test_flower_stays_on_loopback_when_the_gateway_does_not() -> None:
    services = compose_file.read({**GIVEN, "PUBLISH_ADDRESS": "0.0.0.0"}).services

    assert services["gateway"].ports == ["0.0.0.0:8080:8080"]
    assert services["flower"].ports == ["127.0.0.1:5555:5555"]


def test_what_holds_data_cannot_be_reached_from_outside(compose: Compose) -> None:
    assert {name for name, network in compose.networks.items() if network.internal} == {"data"}
    assert {name for name, service in compose.services.items() if service.networks == ["data"]} == {
        "postgres",
        "redis",
        "s3",
    }
    assert compose.services["sandbox"].networks == ["outside"]
    for name in {"proxy", *METRICS}:
        assert compose.services[name].networks == ["outside"]


def test_networks_and_volumes_are_declared_and_used(compose: Compose) -> None:
    services = compose.services.values()

    assert {name for service in services for name in service.networks} == set(compose.networks)
    mounted = {mount.split(":")[0] for service in services for mount in service.volumes}
    assert {name for name in mounted if not name.startswith("./")} == set(compose.volumes)


def test_mounted_files_and_folders_exist(compose: Compose) -> None:
    mounted = {mount.split(":")[0] for service in compose.services.values() for mount in service.volumes}

    assert [path for path in mounted if path.startswith("./") and not Path(path).exists()] == []


def test_every_setting_that_is_given_exists(compose: Compose) -> None:
    existing = set(variables_read(Settings))

    for service in compose.services.values():
        assert {name for name in service.environment if name.startswith("REELWORKS_")} <= existing


def test_the_settings_are_those_of_production(compose: Compose, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in variables_read(Settings):
        monkeypatch.delenv(name, raising=False)
    for name, value in compose.services["gateway"].environment.items():
        monkeypatch.setenv(name, value)

    settings = Settings(_env_file=None)

    assert (settings.environment, settings.log_format) == ("production", "json")
    assert settings.database_url == "postgresql://reelworks:given-postgres_password@postgres:5432/reelworks"
    assert settings.redis_url == "redis://gateway:given-redis_gateway_password@redis:6379/0"
    assert (settings.s3.endpoint, settings.s3.secure) == ("s3:8333", False)
    # The store is on the internal network: the gateway streams files.
    assert settings.s3.public_endpoint == ""
    assert settings.flower_basic_auth.get_secret_value() == "given-reelworks_flower_basic_auth"


def test_client_and_server_are_given_the_same_secrets(compose: Compose) -> None:
    ours = compose.services["gateway"].environment
    s3 = compose.services["s3"].environment
    redis = compose.services["redis"]

    assert compose.services["postgres"].environment["POSTGRES_PASSWORD"] == GIVEN["POSTGRES_PASSWORD"]
    assert redis.environment["REDIS_PASSWORD"] == GIVEN["REDIS_PASSWORD"]
    assert (s3["AWS_ACCESS_KEY_ID"], s3["AWS_SECRET_ACCESS_KEY"]) == (
        ours["REELWORKS_S3__ACCESS_KEY"],
        ours["REELWORKS_S3__SECRET_KEY"],
    )


def test_redis_is_asked_with_the_password_of_its_container(compose: Compose) -> None:
    check = compose.services["redis"].healthcheck

    assert check is not None
    command = 'printf "AUTH %s\\nPING\\n" "$REDIS_PASSWORD" | valkey-cli | grep -qx PONG'
    assert check.test == ["CMD-SHELL", command]


def test_each_container_knows_the_password_of_its_own_redis_user_only(compose: Compose) -> None:
    """Also where all of `.env` reaches the container."""
    passwords = {name for name in compose_file.all_variables() if re.fullmatch(r"REDIS_\w*PASSWORD", name)}

    for name in OURS:
        seen = dict.fromkeys(passwords, "from .env") | compose.services[name].environment
        own = {"gateway", "beat", "flower", *Role} & {name.removeprefix("worker-")}
        url = "".join(f"{user}:{GIVEN[f'REDIS_{user.upper()}_PASSWORD']}@" for user in own)
        assert {seen[password] for password in passwords} == {""}
        assert seen["REELWORKS_REDIS_URL"] == f"redis://{url}redis:6379/0"


def test_no_secret_stands_on_a_command_line(compose: Compose) -> None:
    secrets = {value for name, value in GIVEN.items() if name != "PUBLIC_HOST"}

    for service in compose.services.values():
        words = [*service.command, *(service.healthcheck.test if service.healthcheck else [])]
        assert not [word for word in words for secret in secrets if secret in word]


def test_redis_keeps_what_it_was_given(compose: Compose) -> None:
    words = compose.services["redis"].command[4:]
    options = dict(zip(words[::2], words[1::2], strict=True))

    assert options == {
        "--appendonly": "yes",
        "--appendfsync": "everysec",
        "--maxmemory-policy": "noeviction",
        "--maxmemory": "512mb",
        "--proto-max-bulk-len": "32mb",
    }


@pytest.mark.parametrize("name", sorted(GIVEN))
@pytest.mark.parametrize("value", [None, ""])
def test_a_required_variable_that_is_missing_says_what_to_set(name: str, value: str | None) -> None:
    others = {key: given for key, given in GIVEN.items() if key != name}

    with pytest.raises(MissingVariable, match=rf"^required variable {name} is missing a value: set it in \.env"):
        compose_file.read(others if value is None else {**others, name: value})


def test_every_secret_is_required() -> None:
    assert compose_file.required_variables() == {
        "POSTGRES_PASSWORD",
        "REDIS_PASSWORD",
        *(f"REDIS_{user}_PASSWORD" for user in ["GATEWAY", "BEAT", "FLOWER", *(role.upper() for role in Role)]),
        "S3_ACCESS_KEY",
        "S3_SECRET_KEY",
        "REELWORKS_SECRET_KEY",
        "PUBLIC_HOST",
        "REELWORKS_FLOWER_BASIC_AUTH",
    }


def test_no_secret_stands_in_the_file(compose: Compose) -> None:
    """Whatever is called a secret has its whole value from a variable."""
    secret = re.compile(r"PASSWORD|SECRET|ACCESS_KEY|AUTH$|API_KEY")
    from_variables = {*GIVEN.values(), "sandbox", ""}

    for service in compose.services.values():
        for name, value in service.environment.items():
            if secret.search(name):
                assert value in from_variables
    assert not re.search(r"://[^$\s/]*:[^$\s/@]+@", compose_file.text())


def test_every_variable_is_in_the_example() -> None:
    assert compose_file.all_variables() <= {variable.name for variable in variables()}


def test_every_compose_only_variable_of_the_example_is_used() -> None:
    assert {variable.name for variable in variables() if variable.compose_only} <= compose_file.all_variables()


def test_the_defaults_are_those_of_the_example() -> None:
    shown = {variable.name: variable.value for variable in variables() if variable.compose_only and variable.value}

    assert compose_file.read({**GIVEN, **shown}) == compose_file.read(GIVEN)


def test_images_of_others_are_pinned(compose: Compose) -> None:
    for service in compose.services.values():
        assert (service.image == "reelworks") == (service.build == ".")
        if service.build is None:
            assert re.fullmatch(r"[a-z/]+:v?\d[\w.-]*", service.image)


def test_the_image_holds_every_package_of_the_wheel() -> None:
    kept = {line[1:] for line in Path(".dockerignore").read_text().splitlines() if line.startswith("!")}
    wheel = re.search(r"targets\.wheel\]\nonly-include = \[(.*?)\]", Path("pyproject.toml").read_text(), re.DOTALL)
    assert wheel is not None

    assert kept == {*re.findall(r'"([^"]+)"', wheel[1]), "README.md", "LICENSE", "pyproject.toml", "requirements"}
