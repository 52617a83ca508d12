"""The message of a test that shows a fault of a library."""

from types import ModuleType


def mended(patch: ModuleType) -> str:
    """The message on the day when the library has no such fault."""
    return f"upstream mended this: delete {patch.__name__}"
