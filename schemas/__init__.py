"""What every package speaks: tables, API models, enums, errors and settings. Imports nothing of ours."""
