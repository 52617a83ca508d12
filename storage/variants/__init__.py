"""Variants of results: claims, ends, files, and reads for customers."""
