"""Accepts customers' orders and files, for every door."""
