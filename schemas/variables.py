"""Checks the variables of the settings: unknown names, and values that the settings refuse."""

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Final, get_args, get_origin

from dotenv import dotenv_values
from pydantic import BaseModel, ValidationError

from schemas.setting_groups import ProviderSettings, ProvidersSettings
from schemas.settings import Settings
from schemas.unprefixed import standing_for

PREFIX: Final = "REELWORKS_"
_JOINT: Final = "__"
OF_CLIENTS: Final = frozenset({"REELWORKS_URL", "REELWORKS_API_KEY", "REELWORKS_BASE_URL", "REELWORKS_CUSTOMER_ID"})
"""The variables of clients of the HTTP API: `reelworks listen`, `reelworks mcp`, and the packages in `clients/`."""

_NEAREST = 2
_ALIKE = 0.8


@dataclass(frozen=True)
class Unknown:
    """A variable with our prefix that no setting reads."""

    name: str
    """The name as set."""
    nearest: Sequence[str]
    """The settings with similar names, most similar first. Possibly empty."""

    def __str__(self) -> str:
        hint = f"do you mean {' or '.join(self.nearest)}?" if self.nearest else ".env.example lists every setting"
        return f"{self.name} is no setting and has no effect: {hint}"


def every() -> dict[str, str]:
    """All variables in the environment and in the settings' file. The environment wins."""
    file = Settings.model_config.get("env_file")
    in_file = dotenv_values(file) if isinstance(file, str) else {}
    return {**{name: value or "" for name, value in in_file.items()}, **os.environ}


def given() -> dict[str, str]:
    """The variables with our prefix in the environment and in the settings' file. The environment wins."""
    return {name: value for name, value in every().items() if name.upper().startswith(PREFIX)}


def of_opentelemetry() -> dict[str, str]:
    """The variables of OpenTelemetry in the environment and in the settings' file. The environment wins."""
    return {name: value for name, value in every().items() if name.startswith("OTEL_")}


def unknown(names: Iterable[str]) -> list[Unknown]:
    """The names that no setting and no client reads."""
    return [
        Unknown(name, _nearest(name))
        for name in sorted(names)
        if name not in OF_CLIENTS and _target(_path(name)) is None
    ]


def in_words(error: ValidationError) -> list[str]:
    """A line for each refused variable: its name and the allowed values. The value may be a secret and is left out."""
    said: dict[str, list[str]] = {}
    for problem in error.errors(include_input=False, include_url=False, include_context=False):
        message = problem["msg"].removeprefix("Value error, ")
        said.setdefault(_as_set(_variable(problem["loc"])), []).append(message)
    return [f"{name}: {'; '.join(messages)}" for name, messages in said.items()]


def not_json(variables: Mapping[str, str]) -> list[str]:
    """A line for each variable that must be JSON and is not."""
    return [
        f"{name}: must be JSON, for example {'[]' if get_origin(target) is list else '{}'}"
        for name, value in sorted(variables.items())
        if value and _is_whole(target := _target(_path(name))) and not _is_json(value)
    ]


def _as_set(variable: str) -> str:
    """The name under which a setting was given: ours, or the name of another system."""
    given_names = {name.upper() for name, value in every().items() if value}
    return next((name for name in (variable, *standing_for(variable)) if name in given_names), variable)


def _path(name: str) -> list[str]:
    return name[len(PREFIX) :].lower().split(_JOINT)


def _target(path: Sequence[str]) -> Any:
    """The type of a variable's setting. None if there is no such setting."""
    kind: Any = Settings
    for index, part in enumerate(path):
        if kind is ProvidersSettings:
            kind = ProviderSettings if part else None
        elif _is_model(kind):
            field = kind.model_fields.get(part)
            kind = None if field is None else field.annotation
        else:
            # A mapping accepts every name.
            return kind if index and any(get_origin(one) is dict for one in (kind, *get_args(kind))) else None
    return kind


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def _is_whole(kind: Any) -> bool:
    """Whether a value of this type is one JSON document in its variable."""
    return _is_model(kind) or get_origin(kind) is list


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _nearest(name: str) -> list[str]:
    path = _path(name)
    account = path[1] if len(path) > 1 else "kie"
    # The common prefix would make all names similar.
    known = list(_names(Settings, "", account))
    return [PREFIX + near for near in get_close_matches(name[len(PREFIX) :].upper(), known, _NEAREST, _ALIKE)]


def _names(model: type[BaseModel], prefix: str, account: str) -> Iterator[str]:
    """Every variable of a model. For the providers, the variables of one account."""
    for name, field in model.model_fields.items():
        variable = prefix + name.upper()
        if field.annotation is ProvidersSettings:
            yield from _names(ProviderSettings, f"{variable}{_JOINT}{account.upper()}{_JOINT}", account)
        elif _is_model(field.annotation):
            yield from _names(field.annotation, f"{variable}{_JOINT}", account)  # type: ignore[arg-type]  # a model
        else:
            yield variable


def _variable(location: tuple[str | int, ...]) -> str:
    """The variable of a location in the settings. Deeper locations are inside its value."""
    path: list[str] = []
    for part in map(str, location):
        if _target([*path, part]) is None:
            break
        path.append(part)
        if not _is_model(_target(path)):
            break
    return PREFIX + _JOINT.join(path).upper()
