"""Limits of accounts as settings."""

import pytest

from schemas.limits import AccountLimits, CreateRate, FamilyLimits
from schemas.setting_groups import ProviderSettings, ProvidersSettings
from schemas.settings import Settings
from stack.wiring import settings_environment
from tests.support import clean_settings

LIMITS = AccountLimits(
    in_flight=3,
    creates=[CreateRate(most=2, seconds=10)],
    families={"turbo": FamilyLimits(models=["gen4_turbo", "act_*"], in_flight=1)},
)


def test_a_process_of_the_stack_reads_the_limits_that_the_stack_was_given(monkeypatch: pytest.MonkeyPatch) -> None:
    account = ProviderSettings(limits=LIMITS)
    given = clean_settings().model_copy(update={"providers": ProvidersSettings({"runway": account})})
    for name, value in settings_environment(given).items():
        monkeypatch.setenv(name, value)
    assert Settings(_env_file=None).providers.named("runway").limits == LIMITS


def test_a_model_belongs_to_the_first_family_that_names_it() -> None:
    assert LIMITS.pool_of("gen4_turbo") == "turbo"
    assert LIMITS.pool_of("act_two") == "turbo"
    assert LIMITS.pool_of("gen4.5") == ""
