"""The figures of a run: collected, judged by the targets, shown as tables and plots."""
