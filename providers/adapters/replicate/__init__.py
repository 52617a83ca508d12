"""Replicate."""

from providers.adapters.replicate.adapter import Replicate as Adapter

__all__ = ["Adapter"]
