import socket
import stat
from ipaddress import ip_network
from pathlib import Path

import pytest
from pydantic import SecretStr

from providers.registry import adapter_names
from providers.webhooks.standard_webhooks import sign
from schemas.limits import AccountLimits, CreateRate, FamilyLimits
from schemas.setting_groups import ProviderSettings
from schemas.settings import Settings
from stack.credentials import Credentials
from stack.errors import PortTaken
from stack.ports import free_port
from stack.wiring import (
    gateway_url,
    has_provider_key,
    sandbox_environment,
    settings_environment,
    with_configured_ports,
    with_free_ports,
    with_sandbox,
)


def test_another_process_reads_exactly_the_same_settings(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = with_sandbox(with_free_ports(settings), Credentials.of(tmp_path)).model_copy(
        update={"database_url": "postgresql://u:p@127.0.0.1:1/d", "secret_key": SecretStr('"quoted", $x')}
    )

    for name, value in settings_environment(ours).items():
        monkeypatch.setenv(name, value)

    assert Settings(_env_file=None) == ours


def test_another_process_reads_the_limits_of_an_account(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    family = FamilyLimits(models=["video/*"], in_flight=5)
    limits = AccountLimits(creates=[CreateRate(most=20, seconds=10)], reserve=2, families={"video": family})
    account = ProviderSettings(limits=limits)
    ours = settings.model_copy(update={"providers": settings.providers.with_accounts(kie=account)})

    for name, value in settings_environment(ours).items():
        monkeypatch.setenv(name, value)

    assert Settings(_env_file=None).providers.named("kie").limits == limits


def test_unset_field_of_an_account_stays_unset_in_another_process(settings: Settings, tmp_path: Path) -> None:
    told = settings_environment(with_sandbox(settings, Credentials.of(tmp_path)))

    assert told["REELWORKS_PROVIDERS__KIE__API_KEY"]
    assert "REELWORKS_PROVIDERS__KIE__TIMEOUT_SECONDS" not in told


def test_sandbox_receives_the_keys_of_the_accounts(settings: Settings, tmp_path: Path) -> None:
    credentials = Credentials.of(tmp_path)
    ports = {"gateway_port": 8081, "sandbox": settings.sandbox.model_copy(update={"port": 8091})}

    wired = with_sandbox(settings.model_copy(update=ports), credentials)

    assert wired.public_url == "http://127.0.0.1:8081"
    accounts = [wired.providers.named(name) for name in sorted(adapter_names())]
    assert [account.base_url for account in accounts] == [
        f"http://127.0.0.1:8091/{name}" for name in sorted(adapter_names())
    ]
    assert {account.api_key.get_secret_value() for account in accounts} == {credentials.sandbox_api_key}
    assert {account.webhook_key.get_secret_value() for account in accounts} == {credentials.sandbox_webhook_secret}
    assert wired.downloads.allowed_private_networks == [ip_network("127.0.0.0/8")]
    assert sandbox_environment(wired) == {
        "SANDBOX_API_KEY": credentials.sandbox_api_key,
        "SANDBOX_WEBHOOK_SECRET": credentials.sandbox_webhook_secret,
        "SANDBOX_SECONDS_PER_IMAGE": "1.0",
        "SANDBOX_SECONDS_PER_VIDEO": "3.0",
    }


def test_sandbox_sets_the_options_of_its_vendor_and_keeps_the_others(settings: Settings, tmp_path: Path) -> None:
    own = ProviderSettings(options={"project": SecretStr("films"), "location": SecretStr("global")})
    theirs = settings.model_copy(update={"providers": settings.providers.with_accounts(vertex=own)})

    told = with_sandbox(theirs, Credentials.of(tmp_path)).providers.named("vertex").options

    assert {name: value.get_secret_value() for name, value in told.items()} == {
        "project": "sandbox-project",
        "storage_url": "http://127.0.0.1:8090/vertex",
        "location": "global",
    }


@pytest.mark.parametrize("name", sorted(adapter_names()))
def test_every_account_uses_the_sandbox_until_an_account_has_a_real_key(
    settings: Settings, tmp_path: Path, name: str
) -> None:
    assert not has_provider_key(settings)
    wired = with_sandbox(settings, Credentials.of(tmp_path)).providers.named(name)
    one = settings.providers.with_accounts(**{name: wired})

    assert wired.base_url == f"http://127.0.0.1:8090/{name}"
    assert has_provider_key(settings.model_copy(update={"providers": one}))


def test_generated_webhook_secret_signs_a_message(tmp_path: Path) -> None:
    secret = Credentials.of(tmp_path).sandbox_webhook_secret

    assert sign(secret, "msg_1", 1_700_000_000, b"{}").startswith("v1,")


def test_secrets_are_kept_in_a_file_for_the_current_user_only(tmp_path: Path) -> None:
    first = Credentials.of(tmp_path)

    assert Credentials.of(tmp_path) == first
    assert stat.S_IMODE((tmp_path / "credentials.json").stat().st_mode) == 0o600
    assert first.postgres_password not in repr(first)


@pytest.mark.parametrize(
    ("owner", "setting"),
    [
        ("the gateway", "REELWORKS_GATEWAY_PORT"),
        ("Flower", "REELWORKS_FLOWER_PORT"),
        ("the sandbox", "REELWORKS_SANDBOX__PORT"),
    ],
)
def test_error_for_each_taken_port_names_its_setting(
    owner: str, setting: str, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    for name in ("REELWORKS_GATEWAY_PORT", "REELWORKS_FLOWER_PORT", "REELWORKS_SANDBOX__PORT"):
        monkeypatch.setenv(name, "0")
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        monkeypatch.setenv(setting, str(port))

        with pytest.raises(PortTaken) as caught:
            with_configured_ports(Settings(_env_file=None), sandbox=True)

    assert str(caught.value) == (
        f"Port {port} is in use, and {owner} wants it: stop what holds it or set {setting} to another"
    )


def test_port_zero_becomes_a_free_port_and_other_ports_stay(settings: Settings) -> None:
    flower = free_port()
    given = settings.model_copy(update={"gateway_port": 0, "flower_port": flower})

    ported = with_configured_ports(given, sandbox=False)

    assert ported.gateway_port != 0
    assert ported.flower_port == flower


def test_public_url_follows_the_gateways_port_when_it_is_the_gateways_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REELWORKS_FLOWER_PORT", "0")
    monkeypatch.setenv("REELWORKS_GATEWAY_PORT", "0")
    moved = with_configured_ports(Settings(_env_file=None), sandbox=False)
    monkeypatch.setenv("REELWORKS_PUBLIC_URL", "https://a.example")
    elsewhere = with_configured_ports(Settings(_env_file=None), sandbox=False)

    assert moved.public_url == f"http://127.0.0.1:{moved.gateway_port}" != "http://127.0.0.1:0"
    assert elsewhere.public_url == "https://a.example"


def test_gateway_on_all_addresses_is_reached_on_loopback(settings: Settings) -> None:
    listening = settings.model_copy(update={"gateway_host": "0.0.0.0", "gateway_port": 8080})

    assert gateway_url(listening) == "http://127.0.0.1:8080"
