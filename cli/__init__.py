"""The `reelworks` command: its commands by group, and how a terminal and a program are told what they found."""
