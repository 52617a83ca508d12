"""The subjects of the bench: the interface, Reelworks, and the installed peers."""
