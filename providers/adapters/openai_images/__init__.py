"""Gateways with OpenAI's wire for images."""

from providers.adapters.openai_images.adapter import OpenAIImages as Adapter

__all__ = ["Adapter"]
