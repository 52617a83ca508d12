"""The systems that are measured: Reelworks, and where to find its peers."""
