"""Kie: its Market, and the older families of endpoints behind the same account."""

from providers.adapters.kie.adapter import Kie as Adapter

__all__ = ["Adapter"]
