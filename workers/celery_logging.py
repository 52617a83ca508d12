"""Celery's logging follows `schemas.logs`."""

from celery.signals import setup_logging


def keep_our_logging() -> None:
    """Stop Celery from configuring logging: Celery leaves logging alone when this signal has a receiver."""
    setup_logging.connect(_already_configured, weak=False)


def _already_configured(**_: object) -> None:
    """`schemas.logs` has configured logging."""
