"""Variables whose names other systems define, so they lack our prefix."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource, SettingsError

from schemas.names import ProviderName

LONGCAT: Final[ProviderName] = "longcat"

_LONGCAT_URL: Final = "REELWORKS_PROVIDERS__LONGCAT__BASE_URL"
_LONGCAT_KEY: Final = "REELWORKS_PROVIDERS__LONGCAT__API_KEY"
_PUBLIC_URL: Final = "REELWORKS_PUBLIC_URL"

UNPREFIXED: Final[Mapping[str, str]] = {
    "LONGCAT_VIDEO_ENDPOINT": _LONGCAT_URL,
    "LONGCAT_API_KEY": _LONGCAT_KEY,
    "KIE_AI_API_KEY": "REELWORKS_PROVIDERS__KIE__API_KEY",
    "RUNWAY_API_KEY": "REELWORKS_PROVIDERS__RUNWAY__API_KEY",
    "RUNWAYML_API_SECRET": "REELWORKS_PROVIDERS__RUNWAY__API_KEY",
    "CONVEX_SITE_URL": _PUBLIC_URL,
    "SITE_URL": _PUBLIC_URL,
    "VIDEO_TOKEN_COST": "REELWORKS_PRICES__EVERY_VIDEO",
}
"""The variable of ours for which each of these variables stands."""


class UnprefixedSource(PydanticBaseSettingsSource):
    """Reads these variables. This source comes last, so variables with our prefix win."""

    def __init__(self, settings_cls: type[BaseSettings], *given: PydanticBaseSettingsSource) -> None:
        """`given`: the sources of variables, the first before the second."""
        super().__init__(settings_cls)
        self._given = [source for source in given if isinstance(source, EnvSettingsSource)]

    def __call__(self) -> dict[str, Any]:
        """The fields.

        Raises:
            SettingsError: two variables for the same key differ. Names both.
        """
        values: dict[str, Any] = {}
        for ours in dict.fromkeys(UNPREFIXED.values()):
            value = None if self._is_set(ours) else self._value(ours)
            if value is not None:
                _put(values, _path(ours), value)
        # LongCat's maker has other services, too, so a key alone configures no account.
        if not (self._is_set(_LONGCAT_URL) or _found(values, _path(_LONGCAT_URL))):
            values.get("providers", {}).pop(LONGCAT, None)
        return values

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:  # noqa: ARG002
        """None: `__call__` makes the fields."""
        return None, field_name, False

    def _is_set(self, ours: str) -> bool:
        return bool(_found(self.current_state, _path(ours)))

    def _value(self, ours: str) -> str | None:
        given = {name: value for name in standing_for(ours) if (value := self._given_as(name)) is not None}
        # A system with both URLs takes callbacks at the first. `SITE_URL` is then the address of its pages.
        if len(set(given.values())) > 1 and ours != _PUBLIC_URL:
            raise SettingsError(f"{' and '.join(given)} differ, and both stand for {ours}: unset one, or set {ours}")
        return next(iter(given.values()), None)

    def _given_as(self, name: str) -> str | None:
        values = (source.env_vars.get(name.lower()) for source in self._given)
        return next((value for value in values if value is not None), None)


def standing_for(ours: str) -> Sequence[str]:
    """The variables that stand for a variable of ours."""
    return [name for name, meant in UNPREFIXED.items() if meant == ours]


def _path(ours: str) -> list[str]:
    return ours.removeprefix("REELWORKS_").lower().split("__")


def _found(values: Any, path: Sequence[str]) -> Any:
    """The value at a path. A group of settings that is no mapping was made by code, and counts as set."""
    for part in path:
        if not isinstance(values, Mapping):
            break
        values = values.get(part)
    return values


def _put(values: dict[str, Any], path: Sequence[str], value: str) -> None:
    *groups, field = path
    for group in groups:
        values = values.setdefault(group, {})
    values[field] = value
