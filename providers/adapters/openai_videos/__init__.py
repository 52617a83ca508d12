"""Gateways with OpenAI's API for videos, which OpenAI itself no longer serves."""

from providers.adapters.openai_videos.adapter import OpenAIVideos as Adapter

__all__ = ["Adapter"]
