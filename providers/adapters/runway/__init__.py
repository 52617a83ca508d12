"""Runway."""

from providers.adapters.runway.adapter import Runway as Adapter

__all__ = ["Adapter"]
