"""Alternatives to Reelworks that do the same work, for comparison. See README.md."""
