"""Live orders never lead to the sandbox, and the orders of test keys lead nowhere else."""

import pytest
from pydantic import SecretStr, ValidationError

from providers.catalogue import Catalogue, CatalogueFile
from providers.catalogue.models import Model
from providers.registry import Providers, accounts_of, adapter_names
from sandbox import vendors
from schemas.errors import InvalidRequest, NoSandbox
from schemas.inputs import InputFacts, Origin
from schemas.names import is_twin, original_of, twin_of
from schemas.provider_errors import ProviderAuthFailed
from schemas.setting_groups import ProviderSettings, ProvidersSettings, TestKeySettings
from schemas.settings import Settings
from tests.support import clean_settings
from tests.unit.providers.catalogue.test_catalogue import FACTS, MINE, plainest, request

SANDBOX = TestKeySettings(sandbox_url="http://127.0.0.1:8090", api_key=SecretStr("sandbox"))
FILE = CatalogueFile.shipped()
EVERYTHING = Catalogue(FILE, frozenset({*adapter_names(), *map(twin_of, adapter_names())}))
# The test customer's own video, which a twin made.
TEST_FACTS = {**FACTS, MINE: InputFacts("video/mp4", 1000, Origin("veo-3", "test_kie", "720p"))}
KIE = {"kie": ProviderSettings(api_key=SecretStr("a key"))}


def with_accounts(accounts: dict[str, ProviderSettings], sandbox: TestKeySettings = SANDBOX) -> Settings:
    return clean_settings().model_copy(update={"providers": ProvidersSettings(accounts), "test_keys": sandbox})


@pytest.mark.parametrize("model", FILE.models, ids=lambda model: model.name)
def test_routes_of_a_live_order_are_accounts_and_those_of_a_test_order_are_twins(model: Model) -> None:
    live = EVERYTHING.order(plainest(model), FACTS)
    test = EVERYTHING.for_test_customers.order(plainest(model), TEST_FACTS)

    assert not any(is_twin(route.provider) for route in live.routes)
    assert all(is_twin(route.provider) for route in test.routes)
    same = [route.model_copy(update={"provider": original_of(route.provider)}) for route in test.routes]
    assert (same, test.credits) == (live.routes, live.credits)
    rules = EVERYTHING.cancel_rule, EVERYTHING.unknown_submit
    for mine, twin in zip(live.routes, test.routes, strict=True):
        assert [rule(model.name, mine) for rule in rules] == [rule(model.name, twin) for rule in rules]


def test_twin_goes_on_only_from_a_video_of_a_twin() -> None:
    extending = next(model for model in FILE.models if model.capabilities.extends)

    with pytest.raises(InvalidRequest, match="another account"):
        EVERYTHING.for_test_customers.order(plainest(extending), FACTS)
    with pytest.raises(InvalidRequest, match="another account"):
        EVERYTHING.order(plainest(extending), TEST_FACTS)


@pytest.mark.parametrize("accounts", [{}, KIE])
def test_every_model_can_be_tried_without_a_vendors_key(accounts: dict[str, ProviderSettings]) -> None:
    providers = Providers(accounts_of(with_accounts(accounts)))
    catalogue = Catalogue.load(providers.available())

    tried = {card.name for card in catalogue.for_test_customers.models() if card.status != "retired"}
    sold = {card.name for card in catalogue.models() if card.status != "retired"}
    assert tried == {model.name for model in FILE.models}
    assert sold == {model.name for model in FILE.models if any(route.provider in accounts for route in model.routes)}


def test_twins_have_the_sandboxs_address_and_key_and_no_account_has_them() -> None:
    accounts = accounts_of(with_accounts(KIE))

    for adapter in adapter_names():
        twin, url = accounts.named(twin_of(adapter)), f"http://127.0.0.1:8090/{adapter}"
        assert (twin.adapter, twin.base_url, twin.api_key.get_secret_value()) == (adapter, url, "sandbox")
        options = {name: value.get_secret_value() for name, value in twin.options.items()}
        assert options == vendors.options(adapter, url)
    assert accounts.named("kie") == KIE["kie"]
    providers = Providers(accounts)
    try:
        providers.load()
    finally:
        providers.close()


def test_without_a_sandbox_there_are_no_twins() -> None:
    accounts = accounts_of(with_accounts(KIE, TestKeySettings()))

    assert accounts.names() == ["kie"]
    with pytest.raises(NoSandbox):
        Catalogue.load(frozenset({"kie"})).for_test_customers.order(request("nano-banana"))
    with pytest.raises(ProviderAuthFailed, match="REELWORKS_TEST_KEYS__SANDBOX_URL"):
        Providers(accounts).get("test_kie")


def test_account_with_the_name_of_a_twin_is_refused() -> None:
    with pytest.raises(ValidationError, match="choose other names"):
        Settings(_env_file=None, providers=ProvidersSettings({"test_kie": ProviderSettings()}))
