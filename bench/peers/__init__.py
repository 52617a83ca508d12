"""What one would use instead of Reelworks, doing the same work, to measure Reelworks against. See README.md."""
