"""Vendors: the provider interface, our accounts, the catalogue of models, and one adapter package for each vendor."""
