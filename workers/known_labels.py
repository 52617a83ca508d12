"""Tells the metrics the values of their labels that the settings decide."""

from itertools import product

from metrics.families import CALLBACKS, ENDED, ENDS_FOUND, PROVIDER_CALLS, RUNS_LOST
from metrics.labels import MODEL, PROVIDER, Answered, CallbackVerdict, CallKind
from providers.catalogue import Catalogue
from providers.registry import Providers, accounts_of
from schemas.causes import CANCELS, Cause
from schemas.enums import FoundBy, Stage
from schemas.names import ProviderName, is_twin
from schemas.settings import Settings


def learn(settings: Settings) -> None:
    """Learn the accounts and the models of the settings. A series of any other one is `other`."""
    providers = Providers(accounts_of(settings))
    offer = providers.offer()
    PROVIDER.learn(name for name in offer.accounts if not is_twin(name))
    for name in offer.accounts:
        _begin(name)
    catalogue = Catalogue.load(offer, settings.prices, providers.servers())
    MODEL.learn(card.name for card in catalogue.models())


def _begin(provider: ProviderName) -> None:
    """Show the series of an account that alerts compare: `increase` does not see the first count of a series."""
    ENDED.begin(Stage.COMPLETED, "none", provider)
    for cause in Cause:
        ENDED.begin(Stage.CANCELLED if cause in CANCELS else Stage.FAILED, cause, provider)
    for verdict in CallbackVerdict:
        CALLBACKS.begin(provider, verdict)
    RUNS_LOST.begin(provider)
    for found_by in FoundBy:
        ENDS_FOUND.begin(provider, found_by)
    for call, answer in product(CallKind, Answered):
        PROVIDER_CALLS.begin(provider, call, answer)
