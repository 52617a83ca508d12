"""Variables of provider accounts whose names other systems define, so they lack our prefix."""

from collections.abc import Mapping
from typing import Any, Final

from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource

from schemas.names import ProviderName

LONGCAT: Final[ProviderName] = "longcat"

UNPREFIXED: Final[Mapping[str, str]] = {"LONGCAT_VIDEO_ENDPOINT": "base_url", "LONGCAT_API_KEY": "api_key"}
"""The fields of the account `longcat` that these variables set."""


class UnprefixedSource(PydanticBaseSettingsSource):
    """Reads these variables. This source comes last, so variables with our prefix win."""

    def __init__(self, settings_cls: type[BaseSettings], *given: PydanticBaseSettingsSource) -> None:
        """`given`: the sources of variables, the first before the second."""
        super().__init__(settings_cls)
        self._given = [source for source in given if isinstance(source, EnvSettingsSource)]

    def __call__(self) -> dict[str, Any]:
        """The account's fields. A key alone configures no account: LongCat's maker has other services, too."""
        account = {field: value for name, field in UNPREFIXED.items() if (value := self._value(name)) is not None}
        if "base_url" not in account and not self._has_base_url():
            return {}
        return {"providers": {LONGCAT: account}}

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:  # noqa: ARG002
        """None: these variables set no top-level field of `Settings`."""
        return None, field_name, False

    def _value(self, name: str) -> str | None:
        values = (source.env_vars.get(name.lower()) for source in self._given)
        return next((value for value in values if value is not None), None)

    def _has_base_url(self) -> bool:
        providers = self.current_state.get("providers")
        account = providers.get(LONGCAT) if isinstance(providers, dict) else None
        return isinstance(account, dict) and bool(account.get("base_url"))
