"""Kie: its Market, and the older wires behind the same account."""

from providers.adapters.kie.adapter import Kie as Adapter

__all__ = ["Adapter"]
