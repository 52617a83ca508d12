"""Vertex AI's Veo."""

from providers.adapters.vertex.adapter import Vertex as Adapter

__all__ = ["Adapter"]
