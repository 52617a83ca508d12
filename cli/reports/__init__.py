"""The findings of commands: tables for people, JSON for programs."""
