"""Kie Market."""

from providers.adapters.kie.adapter import Kie as Adapter

__all__ = ["Adapter"]
