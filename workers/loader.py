"""Where Celery finds modules: among what is installed, never in the folder in which a command was given."""

from collections.abc import Callable
from types import ModuleType

from celery.loaders.app import AppLoader


class InstalledLoader(AppLoader):
    """Celery's loader looks in the current folder first, where a `tasks.py` of the user's may lie."""

    def import_from_cwd(
        self, module: str, imp: Callable[..., ModuleType] | None = None, package: str | None = None
    ) -> ModuleType:
        """Import a module as Python does."""
        found: ModuleType = (imp or self.import_module)(module, package=package)
        return found
