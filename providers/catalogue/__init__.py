"""The models that customers can order, as data, and the way from a request to a priced order."""

from providers.catalogue.catalogue import Catalogue, CatalogueFile, ModelCard

__all__ = ["Catalogue", "CatalogueFile", "ModelCard"]
