"""Spans of a generation's way through the processes, for OpenTelemetry. Off by default: nothing is then imported."""
