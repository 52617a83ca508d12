"""fal."""

from providers.adapters.fal.adapter import Fal as Adapter

__all__ = ["Adapter"]
