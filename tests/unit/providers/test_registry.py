import subprocess
import sys

import pytest
from pydantic import SecretStr

from providers.registry import Providers
from schemas.enums import ProviderName
from schemas.errors import ProviderAuthFailed
from schemas.settings import ProviderSettings, ProvidersSettings

NONE = ProvidersSettings()
ALL = ProvidersSettings.model_validate(
    {name.value: ProviderSettings(api_key=SecretStr("key")) for name in ProviderName}
)


def test_providers_without_a_key_are_not_there() -> None:
    providers = Providers(NONE)
    assert providers.available() == frozenset()
    with pytest.raises(ProviderAuthFailed, match="set REELWORKS_PROVIDERS__KIE__API_KEY"):
        providers.get(ProviderName.KIE)
    providers.close()


@pytest.mark.parametrize("name", list(ProviderName))
def test_every_provider_has_an_adapter_which_is_made_once(name: ProviderName) -> None:
    providers = Providers(ALL)
    assert providers.available() == frozenset(ProviderName)
    assert providers.get(name).name is name
    assert providers.get(name) is providers.get(name)
    providers.close()


def test_after_a_close_everything_is_made_anew() -> None:
    providers = Providers(ALL)
    before = providers.get(ProviderName.KIE)
    providers.close()
    assert providers.get(ProviderName.KIE) is not before
    providers.close()


def test_neither_a_vendor_nor_an_http_client_comes_with_the_import() -> None:
    code = """
import sys, providers.registry, providers.catalogue
from schemas.enums import ProviderName
print({"httpx", *(f"providers.{name}" for name in ProviderName)} & {*sys.modules})
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
