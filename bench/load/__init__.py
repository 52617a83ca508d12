"""The work that scenarios give to a system: orders, files and a full database."""
