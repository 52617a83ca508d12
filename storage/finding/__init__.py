"""Finds a customer's generations: newest first, with filters, page by page, at a bounded cost (docs/decisions/0037)."""

from storage.finding.filters import Filters
from storage.finding.pages import Page, find, lexemes

__all__ = ["Filters", "Page", "find", "lexemes"]
