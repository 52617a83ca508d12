"""The Gemini API."""

from providers.adapters.gemini.adapter import Gemini as Adapter

__all__ = ["Adapter"]
