"""Gateways that speak OpenAI's wire for pictures."""

from providers.adapters.openai_images.adapter import OpenAIImages as Adapter

__all__ = ["Adapter"]
