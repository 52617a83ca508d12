"""The twins of the vendor accounts: an account at the sandbox for each adapter, for the orders of test keys."""

from collections.abc import Collection, Mapping

from pydantic import SecretStr

from schemas.names import twin_of
from schemas.setting_groups import ProviderSettings, ProvidersSettings, TestKeySettings

# The sandbox's vendors that need more than an address and a key. `{url}` stands for the address.
_OPTIONS: Mapping[str, Mapping[str, str]] = {
    "comfyui": {"workflows": "examples"},
    "vertex": {"project": "sandbox-project", "storage_url": "{url}"},
}


def with_twins(accounts: ProvidersSettings, sandbox: TestKeySettings, adapters: Collection[str]) -> ProvidersSettings:
    """The accounts, and the twins of all adapters if the settings name a sandbox."""
    if not sandbox.sandbox_url:
        return accounts
    return accounts.with_accounts(
        **{twin_of(adapter): _twin(adapter, sandbox, accounts.named(adapter)) for adapter in adapters}
    )


def _twin(adapter: str, sandbox: TestKeySettings, account: ProviderSettings) -> ProviderSettings:
    """The twin has the limits of the account, so a test sees the same waits."""
    url = f"{sandbox.sandbox_url}/{adapter}"
    options = {name: SecretStr(value.format(url=url)) for name, value in _OPTIONS.get(adapter, {}).items()}
    return ProviderSettings(
        adapter=adapter,
        base_url=url,
        api_key=sandbox.api_key,
        webhook_key=sandbox.webhook_key,
        options=options,
        limits=account.limits,
    )
