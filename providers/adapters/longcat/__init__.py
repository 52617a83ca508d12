"""LongCat-Video, at a self-hosted endpoint."""

from providers.adapters.longcat.adapter import LongCat as Adapter

__all__ = ["Adapter"]
