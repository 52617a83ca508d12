"""LongCat-Video behind an endpoint of one's own."""

from providers.adapters.longcat.adapter import LongCat as Adapter

__all__ = ["Adapter"]
