"""`compose.yaml` as Docker Compose reads it: variables substituted, anchors merged, every service checked by a model.

The models are stricter than the Compose Specification: they know the keys that this file uses, and refuse any other.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Final, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from workers.roles import Role

# Specification, "Interpolation": $$, $NAME, ${NAME}, and ${NAME:-default} or ${NAME:?message} for unset or empty. A
# default may hold other variables; here, none of those holds a third.
_TEXT = r"(?:[^${}]|\$\{[^{}]*\})*"
_VARIABLE = re.compile(
    r"\$(?:(?P<escaped>\$)|(?P<plain>\w+)|\{(?P<name>\w+)(?:(?P<rule>:[-?])(?P<text>" + _TEXT + r"))?\})"
)

Duration = Annotated[str, StringConstraints(pattern=r"^(\d+h)?(\d+m)?(\d+s)?$", min_length=2)]
Size = Annotated[str, StringConstraints(pattern=r"^\d+[bkmg]b?$")]
Port = Annotated[str, StringConstraints(pattern=r"^\d+\.\d+\.\d+\.\d+:\d+:\d+(/udp)?$")]
Mount = Annotated[str, StringConstraints(pattern=r"^([a-z0-9]+:/[a-z/]+|\./[a-z./]+:/[a-z./]+:ro)$")]
"""A volume, or a file or folder of the project that the container only reads."""


class MissingVariable(Exception):
    """A required variable is unset or empty."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class HealthCheck(_Part):
    """How Docker sees that a container works."""

    test: list[str] = Field(min_length=2)
    interval: Duration
    timeout: Duration
    retries: int = Field(gt=0)
    start_period: Duration


class Dependency(_Part):
    """What another service must have reached before."""

    condition: Literal["service_healthy", "service_completed_successfully"]


class EnvironmentFile(_Part):
    """A file of variables for the container."""

    path: str
    required: bool


class Logging(_Part):
    """Where output goes, and when it is cut."""

    driver: Literal["json-file"]
    options: dict[str, str]


class Service(_Part):
    """One service."""

    image: str
    build: str | None = None
    entrypoint: list[str] = []
    command: list[str] = Field(min_length=1)
    user: str
    profiles: list[str] = []
    restart: Literal["unless-stopped", "no"]
    environment: dict[str, str] = {}
    env_file: list[EnvironmentFile] = []
    depends_on: dict[str, Dependency] = {}
    healthcheck: HealthCheck | None = None
    networks: list[str] = Field(min_length=1)
    ports: list[Port] = []
    volumes: list[Mount] = []
    tmpfs: list[str] = []
    logging: Logging
    security_opt: list[str]
    cap_drop: list[str] = []
    cap_add: list[str] = []
    read_only: bool = False
    shm_size: Size | None = None
    mem_limit: Size
    cpus: Annotated[str, StringConstraints(pattern=r"^\d+(\.\d+)?$")]
    pids_limit: int = Field(gt=0)
    stop_grace_period: Duration


class Network(_Part):
    """A network of the project."""

    internal: bool = False


class Volume(_Part):
    """A named volume with the default driver."""


class Compose(_Part):
    """The whole file."""

    name: str
    services: dict[str, Service]
    networks: dict[str, Network]
    volumes: dict[str, Volume]


def text() -> str:
    """The file as it is written."""
    return Path("compose.yaml").read_text()


def required_variables() -> set[str]:
    """The variables without which the file cannot be used."""
    return {found["name"] for found in _variables() if found["rule"] == ":?"}


def all_variables() -> set[str]:
    """Every variable that the file asks for."""
    return {found["name"] or found["plain"] for found in _variables()}


def read(variables: Mapping[str, str]) -> Compose:
    """The file with these variables.

    Raises:
        MissingVariable: a required one is unset or empty.
    """
    return Compose.model_validate({k: value for k, value in document(variables).items() if not k.startswith("x-")})


def document(variables: Mapping[str, str]) -> dict[str, object]:
    """The file with these variables, as a schema sees it.

    Raises:
        MissingVariable: a required one is unset or empty.
    """
    return {key: _substituted(value, variables) for key, value in _parsed().items()}


def _parsed() -> dict[str, object]:
    parsed: dict[str, object] = yaml.safe_load(text())
    return parsed


def _variables() -> Iterator[re.Match[str]]:
    for word in _words(_parsed()):
        yield from _variables_in(word)


def _variables_in(word: str) -> Iterator[re.Match[str]]:
    for found in _VARIABLE.finditer(word):
        if not found["escaped"]:
            yield found
            yield from _variables_in(found["text"] or "")


def _words(node: object) -> Iterator[str]:
    match node:
        case str():
            yield node
        case list() | dict():
            for child in node.values() if isinstance(node, dict) else node:
                yield from _words(child)


def _substituted(node: object, variables: Mapping[str, str]) -> object:
    """Values only, and after the file was parsed: what stands in a variable is never read as YAML."""
    match node:
        case str():
            return _filled_in(node, variables)
        case list():
            return [_substituted(child, variables) for child in node]
        case dict():
            return {key: _substituted(child, variables) for key, child in node.items()}
        case _:
            return node


def _filled_in(word: str, variables: Mapping[str, str]) -> str:
    return _VARIABLE.sub(lambda found: _value(found, variables), word)


def _value(found: re.Match[str], variables: Mapping[str, str]) -> str:
    if found["escaped"]:
        return "$"
    name = found["name"] or found["plain"]
    given = variables.get(name, "")
    if given or not found["rule"]:
        return given
    if found["rule"] == ":?":
        raise MissingVariable(f"required variable {name} is missing a value: {found['text']}")
    return _filled_in(found["text"], variables)


GIVEN: Final = {name: f"given-{name.lower()}" for name in required_variables()} | {"PUBLIC_HOST": "media.example"}
"""A value for each required variable."""

# All but the sandbox, which is a stranger.
OURS: Final = frozenset({"gateway", "beat", "flower", "migrate", *(f"worker-{role}" for role in Role)})
METRICS: Final = frozenset({"prometheus", "alertmanager", "grafana"})
ALL: Final = OURS | METRICS | {"postgres", "redis", "s3", "proxy", "sandbox"}
