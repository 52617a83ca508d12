import asyncio
from collections.abc import Iterator

import pytest

from sandbox.frames import UnreadableImage
from sandbox.media import MediaSpec
from sandbox.media_store import MediaStore

SPEC = MediaSpec(format="png", width=64, height=64)


@pytest.fixture
def store() -> Iterator[MediaStore]:
    store = MediaStore(max_bytes=5000)
    yield store
    store.close()


def make(store: MediaStore, name: str) -> None:
    asyncio.run(store.make(name, SPEC, seed=name, source=None))


def read(store: MediaStore, name: str) -> bytes:
    path = store.path(name)
    assert path is not None
    return path.read_bytes()


def test_oldest_files_are_deleted_when_the_directory_is_full(store: MediaStore) -> None:
    for name in "abcde":
        make(store, name)

    kept = [name for name in "abcde" if store.path(name) is not None]
    assert kept
    assert len(kept) < 5
    assert kept == list("abcde")[-len(kept) :]
    assert sum(len(read(store, name)) for name in kept) <= 5000


def test_newest_file_is_kept_even_beyond_the_limit(store: MediaStore) -> None:
    small = MediaStore(max_bytes=1)
    make(small, "a")

    assert small.path("a") is not None
    small.close()


def test_unknown_name_has_no_path(store: MediaStore) -> None:
    assert store.path("../../etc/passwd") is None


def test_clear_deletes_the_files(store: MediaStore) -> None:
    make(store, "a")
    path = store.path("a")

    store.clear()

    assert store.path("a") is None
    assert path is not None
    assert not path.exists()


def test_close_deletes_the_directory() -> None:
    store = MediaStore(max_bytes=5000)
    make(store, "a")
    path = store.path("a")

    store.close()

    assert path is not None
    assert not path.parent.exists()


def test_source_image_is_measured(store: MediaStore) -> None:
    make(store, "a")
    source = asyncio.run(store.keep_source("source", read(store, "a")))

    assert (source.width, source.height) == (64, 64)
    assert store.path("source") is None


@pytest.mark.parametrize("content", [b"", b"not an image", b"<html></html>"])
def test_content_that_is_no_image_is_refused_and_not_kept(store: MediaStore, content: bytes) -> None:
    make(store, "a")
    path = store.path("a")

    with pytest.raises(UnreadableImage, match="source holds no picture"):
        asyncio.run(store.keep_source("source", content))

    assert path is not None
    assert [file.name for file in path.parent.iterdir()] == ["a"]
