"""The rights, limits and ends of the containers of `compose.yaml`."""

import re
from pathlib import Path

import pytest

from intake import video_length
from media.decoder import FILES_AT_ONCE
from media.isolation import SLACK_BYTES
from schemas.setting_groups import MediaSettings
from schemas.settings import Settings
from schemas.variant_settings import VariantSettings
from tests.unit import compose_file
from tests.unit.compose_file import ALL, GIVEN, Compose
from workers.roles import Role
from workers.supervisor import KILL_AFTER_SECONDS


@pytest.fixture(scope="module")
def compose() -> Compose:
    """The file with nothing but the required variables."""
    return compose_file.read(GIVEN)


@pytest.mark.parametrize("name", sorted(ALL))
def test_a_container_is_locked_down(compose: Compose, name: str) -> None:
    service = compose.services[name]

    assert service.cap_add == (["NET_BIND_SERVICE"] if name == "proxy" else [])
    assert (service.read_only, service.cap_drop) == (True, ["ALL"])
    assert service.security_opt == ["no-new-privileges:true"]


def test_no_container_runs_as_root_but_the_proxy(compose: Compose) -> None:
    """The proxy's certificates are in a folder of root's."""
    roots = {name for name, service in compose.services.items() if re.match(r"^(root|0+)\b", service.user)}

    assert roots == {"proxy"}
    dockerfile = Path("Dockerfile").read_text()
    users = {service.user for service in compose.services.values() if service.image == "reelworks"}
    assert users == set(re.findall(r"^USER (\S+)$", dockerfile, re.MULTILINE))


@pytest.mark.parametrize("name", sorted(ALL))
def test_a_container_has_limits(compose: Compose, name: str) -> None:
    service = compose.services[name]

    # A media worker makes variants beside the decoding of results.
    assert 256 <= memory_limit(compose, name) <= (4096 if name == "worker-media" else 2048)
    assert 0 < float(service.cpus) <= 2
    assert 64 <= service.pids_limit <= 1024


def test_a_host_with_one_core_can_run_it() -> None:
    services = compose_file.read({**GIVEN, "CPUS_EACH": "1"}).services

    assert {service.cpus for service in services.values()} == {"1"}


def test_redis_has_room_for_a_copy_of_its_data(compose: Compose) -> None:
    assert memory_limit(compose, "redis") > 2 * 512


def seconds(duration: str) -> float:
    """The seconds of a duration of the file."""
    units = {"h": 3600, "m": 60, "s": 1}
    return sum(int(number) * units[unit] for number, unit in re.findall(r"(\d+)([hms])", duration))


def test_a_container_is_killed_only_after_its_process_had_its_time(compose: Compose) -> None:
    for name, service in compose.services.items():
        grace, settings = seconds(service.stop_grace_period), service.environment
        if name in {f"worker-{role}" for role in Role}:
            assert grace > float(settings["REELWORKS_WORKER_DRAIN_SECONDS"]) + KILL_AFTER_SECONDS
        elif name == "gateway":
            assert grace > Settings.model_fields["gateway_drain_seconds"].default
        else:
            assert grace >= 30


def test_a_drain_that_an_operator_sets_reaches_the_workers() -> None:
    services = compose_file.read({**GIVEN, "REELWORKS_WORKER_DRAIN_SECONDS": "50"}).services

    assert {services[f"worker-{role}"].environment["REELWORKS_WORKER_DRAIN_SECONDS"] for role in Role} == {"50"}


def memory_limit(compose: Compose, service: str) -> int:
    """The `mem_limit` of a service in MiB."""
    limit = compose.services[service].mem_limit
    return int(limit[:-1]) * {"m": 1, "g": 1024}[limit[-1]]


@pytest.mark.parametrize("role", list(Role))
def test_each_worker_has_a_memory_limit(compose: Compose, role: Role) -> None:
    assert 1024 <= memory_limit(compose, f"worker-{role}") <= (4096 if role is Role.MEDIA else 2048)


def test_the_memory_limit_of_media_workers_holds_a_variant_beside_the_decoders(compose: Compose) -> None:
    of_results = FILES_AT_ONCE * (MediaSettings().memory_bytes + SLACK_BYTES)
    of_variants = VariantSettings().at_once * (VariantSettings().memory_bytes + SLACK_BYTES)
    assert (of_results + of_variants) // 1024**2 + 300 < memory_limit(compose, "worker-media")


@pytest.mark.parametrize(
    ("service", "file_bytes"),
    [
        ("worker-media", MediaSettings().memory_bytes),
        ("gateway", video_length.LIMITS.memory_bytes),
        ("worker-requests", video_length.LIMITS.memory_bytes),
    ],
)
def test_the_memory_limit_holds_the_decoders_of_a_service(compose: Compose, service: str, file_bytes: int) -> None:
    decoders = FILES_AT_ONCE * (file_bytes + SLACK_BYTES) // 1024**2
    assert decoders + 300 < memory_limit(compose, service)
