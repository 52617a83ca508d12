"""Kling's API, in its legacy dialect."""

from providers.adapters.kling_legacy.adapter import KlingLegacy as Adapter

__all__ = ["Adapter"]
