"""Kling's API, in its new dialect."""

from providers.adapters.kling.adapter import Kling as Adapter

__all__ = ["Adapter"]
