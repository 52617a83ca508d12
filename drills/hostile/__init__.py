"""Attacks a running system as strangers can, and measures what everybody else notices."""
