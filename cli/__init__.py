"""The `reelworks` command: its commands by group, and their reports for people and programs."""
