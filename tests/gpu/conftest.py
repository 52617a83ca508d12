"""Tiny weights, and a server that most tests share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from model_server import tiny
from tests.gpu.running import ModelServer, server


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
