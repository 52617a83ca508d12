"""Fixtures of several unit tests."""

from collections.abc import Iterator

import pytest

from tests.media_files.servers import DecoderServer, servers


@pytest.fixture
def decoder_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[DecoderServer]:
    """Starts a decoder that runs a test's code."""
    yield from servers(monkeypatch)
