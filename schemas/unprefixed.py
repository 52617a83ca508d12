"""Variables whose names other systems define, so they lack our prefix."""

from collections.abc import Mapping
from typing import Any, Final

from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource

from schemas.names import ProviderName

LONGCAT: Final[ProviderName] = "longcat"

_OF_LONGCAT: Final[Mapping[str, str]] = {"LONGCAT_VIDEO_ENDPOINT": "base_url", "LONGCAT_API_KEY": "api_key"}
_OF_PRICES: Final[Mapping[str, str]] = {"VIDEO_TOKEN_COST": "every_video"}

UNPREFIXED: Final[Mapping[str, str]] = {**_OF_LONGCAT, **_OF_PRICES}
"""The fields that these variables set, of the account `longcat` and of the prices."""


class UnprefixedSource(PydanticBaseSettingsSource):
    """Reads these variables. This source comes last, so variables with our prefix win."""

    def __init__(self, settings_cls: type[BaseSettings], *given: PydanticBaseSettingsSource) -> None:
        """`given`: the sources of variables, the first before the second."""
        super().__init__(settings_cls)
        self._given = [source for source in given if isinstance(source, EnvSettingsSource)]

    def __call__(self) -> dict[str, Any]:
        """The fields. A key alone configures no account: LongCat's maker has other services, too."""
        account, prices = self._values(_OF_LONGCAT), self._values(_OF_PRICES)
        has_account = "base_url" in account or self._has_base_url()
        return {
            **({"providers": {LONGCAT: account}} if has_account else {}),
            **({"prices": prices} if prices else {}),
        }

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:  # noqa: ARG002
        """None: these variables set no top-level field of `Settings`."""
        return None, field_name, False

    def _values(self, names: Mapping[str, str]) -> dict[str, Any]:
        return {field: value for name, field in names.items() if (value := self._value(name)) is not None}

    def _value(self, name: str) -> str | None:
        values = (source.env_vars.get(name.lower()) for source in self._given)
        return next((value for value in values if value is not None), None)

    def _has_base_url(self) -> bool:
        providers = self.current_state.get("providers")
        account = providers.get(LONGCAT) if isinstance(providers, dict) else None
        return isinstance(account, dict) and bool(account.get("base_url"))
