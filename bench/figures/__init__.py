"""The figures of a run: results, targets, tables and plots."""
