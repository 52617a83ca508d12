"""The data types that all packages share: tables, API models, enums, errors and settings. Imports nothing of ours."""
