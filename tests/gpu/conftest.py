"""Tiny weights, and a server that most tests share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from model_server import tiny
from tests.gpu.running import ModelServer, server

_TIMEOUT_SECONDS = 1200
"""Above the patience of a wait, and above two imports of torch."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give the tests of this folder more time."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent) and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(_TIMEOUT_SECONDS))


@pytest.fixture(scope="session")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with three tiny pipelines, and their configuration."""
    folder = tmp_path_factory.mktemp("weights")
    tiny.make(folder)
    return folder


@pytest.fixture(scope="session")
def models(weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModelServer]:
    """A server with the three pipelines."""
    with server(weights / "models.toml", tmp_path_factory.mktemp("shared") / "state") as found:
        yield found
