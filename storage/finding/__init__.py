"""Finds a customer's generations in the order of their times, with filters, at a bounded cost (docs/decisions/0037)."""

from storage.finding.directions import NEWEST_FIRST, OLDEST_FIRST
from storage.finding.filters import Filters
from storage.finding.pages import Page, find, lexemes

__all__ = ["NEWEST_FIRST", "OLDEST_FIRST", "Filters", "Page", "find", "lexemes"]
