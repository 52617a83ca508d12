"""`reelworks top`: reads the state of a running system again and again, and shows it on a terminal."""
