"""Kling's own API."""

from providers.adapters.kling.adapter import Kling as Adapter

__all__ = ["Adapter"]
