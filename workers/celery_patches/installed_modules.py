"""Imports tasks from the installed modules only.

Celery's loader looks in the current folder first. The folder of a user may hold a `tasks.py`.
"""

from collections.abc import Callable
from types import ModuleType

from celery.loaders.app import AppLoader


class InstalledLoader(AppLoader):
    """A loader that ignores the current folder."""

    def import_from_cwd(
        self, module: str, imp: Callable[..., ModuleType] | None = None, package: str | None = None
    ) -> ModuleType:
        """Import a module with Python's own rules."""
        found: ModuleType = (imp or self.import_module)(module, package=package)
        return found
