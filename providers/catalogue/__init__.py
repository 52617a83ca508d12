"""The catalogue: the models that customers can order, as data. Turns a request into a priced order."""

from providers.catalogue.cards import ModelCard
from providers.catalogue.catalogue import Catalogue
from providers.catalogue.fitting import Change, Fitted
from providers.catalogue.reading import CatalogueFile

__all__ = ["Catalogue", "CatalogueFile", "Change", "Fitted", "ModelCard"]
