"""The commands, a module for each group. A command imports its dependencies when it runs, so help appears at once."""
