"""`reelworks doctor`: checks of a configuration and of a running system. Each finding names its remedy."""
