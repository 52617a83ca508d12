import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from celery import Celery
from celery.loaders.app import AppLoader

from tests.upstream import mended
from workers.celery_patches import installed_modules
from workers.celery_patches.installed_modules import InstalledLoader

MODULE = "module_of_the_current_folder"


@pytest.fixture
def current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A current folder that holds a module and is not on Python's path."""
    (tmp_path / f"{MODULE}.py").write_text("")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [entry for entry in sys.path if entry])
    yield tmp_path
    sys.modules.pop(MODULE, None)


@pytest.mark.usefixtures("current_folder")
def test_celery_imports_from_the_current_folder(app: Celery) -> None:
    try:
        AppLoader(app).import_task_module(MODULE)
    except ModuleNotFoundError:
        pytest.fail(mended(installed_modules))


@pytest.mark.usefixtures("current_folder")
def test_patched_loader_ignores_the_current_folder(app: Celery) -> None:
    with pytest.raises(ModuleNotFoundError):
        InstalledLoader(app).import_task_module(MODULE)


def test_patched_loader_imports_installed_modules(app: Celery) -> None:
    assert InstalledLoader(app).import_task_module("schemas.enums") is sys.modules["schemas.enums"]
