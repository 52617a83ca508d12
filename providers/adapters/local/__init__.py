"""The model server of Reelworks, on hardware of one's own."""

from providers.adapters.local.adapter import ModelServer as Adapter

__all__ = ["Adapter"]
