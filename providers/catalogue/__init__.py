"""The models that customers can order, as data, and the way from a request to a priced order."""

from providers.catalogue.catalogue import Catalogue, ModelCard
from providers.catalogue.reading import CatalogueFile

__all__ = ["Catalogue", "CatalogueFile", "ModelCard"]
