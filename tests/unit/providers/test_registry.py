import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import SecretStr

from providers.adapters.comfyui.workflows import EXAMPLES
from providers.adapters.kie.adapter import Kie
from providers.base import Offer
from providers.catalogue import Catalogue
from providers.registry import Providers, adapter_names
from sandbox.vendors import options
from schemas.errors import InvalidRequest, InvalidSettings
from schemas.orders import GenerationRequest
from schemas.provider_errors import ProviderAuthFailed
from schemas.setting_groups import ProviderSettings, ProvidersSettings
from tests.support import own_logs

KEY = SecretStr("key")
URL = "https://vendor.example"


def account(name: str) -> ProviderSettings:
    """Settings with the required options of this adapter."""
    told = {option: SecretStr(value) for option, value in options(name, URL).items()}
    return ProviderSettings(api_key=KEY, base_url=URL, options=told)


ALL = ProvidersSettings({name: account(name) for name in adapter_names()})


def test_providers_without_a_key_are_unavailable() -> None:
    providers = Providers(ProvidersSettings({"kie": ProviderSettings(callbacks=False)}))
    assert providers.available() == frozenset()
    with pytest.raises(ProviderAuthFailed, match="set REELWORKS_PROVIDERS__KIE__API_KEY"):
        providers.get("kie")
    providers.close()


@pytest.mark.parametrize("name", sorted(adapter_names()))
def test_every_provider_has_an_adapter_that_is_made_once(name: str) -> None:
    providers = Providers(ALL)
    assert providers.available() == adapter_names()
    assert providers.get(name).name == name
    assert providers.get(name) is providers.get(name)
    providers.close()


def comfyui(folder: Path, *models: str) -> ProviderSettings:
    """An account of a ComfyUI server, with a template for each of these models."""
    for model in models:
        text = (EXAMPLES / f"{model}.json").read_text(encoding="utf-8")
        (folder / f"{model}.json").write_text(text, encoding="utf-8")
    return ProviderSettings(api_key=KEY, base_url=URL, options={"workflows": SecretStr(str(folder))})


def test_account_offers_only_the_models_that_it_has_a_template_for(tmp_path: Path) -> None:
    accounts = {"kie": account("kie"), "comfyui": comfyui(tmp_path, "wan-2.2", "stable-video")}
    providers = Providers(ProvidersSettings(accounts))
    offer = providers.offer()
    assert offer == Offer(frozenset(accounts), {"comfyui": frozenset({"wan-2.2", "stable-video"})})

    catalogue = Catalogue.load(offer, servers=providers.servers())
    served = {card.name for card in catalogue.models() if card.retired_on is None}
    assert {"wan-2.2", "stable-video", "nano-banana"} <= served
    assert served.isdisjoint({"qwen-image", "wan-2.1", "ltx-video", "sdxl-turbo"})
    with pytest.raises(InvalidRequest, match="qwen-image"):
        catalogue.order(GenerationRequest(model="qwen-image", prompt="a boat"))


def test_two_servers_offer_their_own_models(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("one", "two")]
    for folder in folders:
        folder.mkdir()
    two = comfyui(folders[1], "qwen-image").model_copy(update={"adapter": "comfyui"})
    accounts = {"comfyui": comfyui(folders[0], "wan-2.2"), "gpu_2": two}
    providers = Providers(ProvidersSettings(accounts))
    catalogue = Catalogue.load(providers.offer(), servers=providers.servers())
    routes = {(route.provider, route.model) for route in catalogue.routes()}
    assert routes == {("comfyui", "wan-2.2"), ("gpu_2", "qwen-image")}


def test_wrong_template_stops_the_start_in_words(tmp_path: Path) -> None:
    settings = comfyui(tmp_path, "wan-2.2")
    (tmp_path / "qwen-image.json").write_text("{}", encoding="utf-8")
    providers = Providers(ProvidersSettings({"comfyui": settings}))
    message = r"REELWORKS_PROVIDERS__COMFYUI__OPTIONS__WORKFLOWS: qwen-image\.json: no node marked reelworks:output"
    with pytest.raises(InvalidSettings, match=message):
        providers.offer()


def test_two_accounts_can_use_one_adapter() -> None:
    accounts = {"kie": ProviderSettings(api_key=KEY), "kie_eu": ProviderSettings(api_key=KEY, adapter="kie")}
    providers = Providers(ProvidersSettings(accounts))
    assert providers.available() == {"kie", "kie_eu"}
    assert [providers.get(name).name for name in accounts] == ["kie", "kie_eu"]
    assert type(providers.get("kie")) is type(providers.get("kie_eu"))
    providers.close()


@pytest.mark.parametrize(
    ("name", "adapter", "said"),
    [
        ("kei", "", "no adapter 'kei' for the account kei: set REELWORKS_PROVIDERS__KEI__ADAPTER to one of .*kie, "),
        (
            "mine",
            "no_such",
            "no adapter 'no_such' for the account mine: set REELWORKS_PROVIDERS__MINE__ADAPTER to",
        ),
    ],
)
def test_an_account_with_an_unknown_adapter_is_refused(name: str, adapter: str, said: str) -> None:
    with pytest.raises(InvalidSettings, match=said):
        Providers(ProvidersSettings({name: ProviderSettings(adapter=adapter)}))


def test_an_account_without_a_required_address_is_refused_with_the_variable() -> None:
    providers = Providers(ProvidersSettings({"mine": ProviderSettings(api_key=KEY, adapter="openai_videos")}))
    with pytest.raises(InvalidSettings, match="mine needs an address: set REELWORKS_PROVIDERS__MINE__BASE_URL"):
        providers.load()
    providers.close()


def test_an_account_without_a_required_option_is_refused_with_the_variable() -> None:
    providers = Providers(ProvidersSettings({"films": ProviderSettings(api_key=KEY, adapter="vertex")}))
    with pytest.raises(InvalidSettings, match="REELWORKS_PROVIDERS__FILMS__OPTIONS__PROJECT: Field required"):
        providers.load()
    providers.close()


def test_callbacks_are_off_for_a_vendor_without_them_whatever_the_settings(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    providers = Providers(
        ProvidersSettings(
            {
                "kie": ProviderSettings(api_key=KEY),
                "unasked": ProviderSettings(api_key=KEY, adapter="kie", callbacks=False),
                "keyless": ProviderSettings(adapter="kie"),
            }
        )
    )
    assert [providers.calls_back(name) for name in ("kie", "unasked", "keyless", "nobody")] == [True, *[False] * 3]
    monkeypatch.setattr(Kie, "profile", replace(Kie.profile, calls_back=False))
    assert not providers.calls_back("kie")


@pytest.mark.parametrize(
    ("public_url", "called_back", "polled"),
    [
        ("https://reelworks.example", ["kie", "lan", "sandbox"], []),
        ("http://192.168.1.7:8080", ["lan", "sandbox"], ["kie"]),
        ("http://gateway:8080", ["lan", "sandbox"], ["kie"]),
        ("http://127.0.0.1:8080", ["sandbox"], ["kie", "lan"]),
    ],
)
def test_a_vendor_that_cannot_reach_us_is_polled_and_logged(
    public_url: str, called_back: list[str], polled: list[str]
) -> None:
    accounts = {
        "kie": ProviderSettings(api_key=KEY),
        "lan": ProviderSettings(api_key=KEY, adapter="kie", base_url="http://10.0.0.5/kie"),
        "sandbox": ProviderSettings(api_key=KEY, adapter="kie", base_url="http://127.0.0.1:8090/kie"),
        "runway": ProviderSettings(api_key=KEY),
        "unasked": ProviderSettings(api_key=KEY, adapter="kie", callbacks=False),
    }
    providers = Providers(ProvidersSettings(accounts), public_url=public_url)

    assert [name for name in accounts if providers.calls_back(name)] == called_back
    with own_logs() as lines:
        providers.warn_of_polling()
    told = [(line["event"], line["log_level"], line["providers"], line["url"]) for line in lines]
    assert told == ([("callbacks_cannot_arrive", "warning", polled, public_url)] if polled else [])


def test_each_account_has_a_create_limit_and_a_poll_pause() -> None:
    accounts = ProvidersSettings(
        {
            "runway": ProviderSettings(api_key=SecretStr("x")),
            "pictures": ProviderSettings(adapter="openai_images", api_key=SecretStr("x")),
            "quick": ProviderSettings(adapter="openai_images", api_key=SecretStr("x"), timeout_seconds=20),
        }
    )
    providers = Providers(accounts)
    names = ("runway", "pictures", "quick", "taken_out_of_the_settings")
    assert [providers.create_seconds(name) for name in names] == [30, 180, 20, 30]
    assert [providers.poll_seconds(name) for name in names] == [5, 0, 0, 0]


def test_after_close_adapters_are_made_again() -> None:
    providers = Providers(ALL)
    before = providers.get("kie")
    providers.close()
    assert providers.get("kie") is not before
    providers.close()


def test_the_import_loads_no_adapter_and_no_http_client() -> None:
    code = """
import sys, providers.registry, providers.catalogue
names = providers.registry.adapter_names()
print(len(names) > 0, {"httpx", *(f"providers.adapters.{name}" for name in names)} & {*sys.modules})
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "True set()\n"
