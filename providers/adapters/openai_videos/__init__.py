"""Gateways that speak the videos wire that OpenAI left to others."""

from providers.adapters.openai_videos.adapter import OpenAIVideos as Adapter

__all__ = ["Adapter"]
