"""Gateways with OpenAI's wire for videos, which OpenAI itself no longer serves."""

from providers.adapters.openai_videos.adapter import OpenAIVideos as Adapter

__all__ = ["Adapter"]
