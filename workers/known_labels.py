"""Tells the metrics the values of their labels that the settings decide."""

from metrics.families import ENDED
from metrics.labels import MODEL, PROVIDER
from providers.catalogue import Catalogue
from providers.registry import Providers, accounts_of
from schemas.causes import Cause
from schemas.enums import Stage
from schemas.names import is_twin
from schemas.settings import Settings


def learn(settings: Settings) -> None:
    """Learn the accounts and the models of the settings. A series of any other one is `other`."""
    available = Providers(accounts_of(settings)).available()
    PROVIDER.learn(name for name in available if not is_twin(name))
    for name in available:
        # An alert fires at the first one, and `increase` does not see the first count of a series.
        ENDED.begin(Stage.FAILED, Cause.OUR_FAULT, name)
    MODEL.learn(card.name for card in Catalogue.load(available, settings.prices).models())
