import hashlib
import io
from collections.abc import Iterator
from datetime import timedelta

import httpx
import psutil
import pytest
from minio import Minio
from minio.error import InvalidResponseError

from stack.objectstore import ObjectStore
from stack.ports import free_port
from tests.stack.observing import folder_of, runs

MIB = 1024 * 1024


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObjectStore]:
    folder = folder_of("s3", tmp_path_factory.mktemp("objects"))
    store = ObjectStore(folder, free_port(), access_key="access", secret_key="secret", bucket="reelworks")
    store.start()
    store.wait_until_ready()
    yield store
    store.kill()


@pytest.fixture
def client(store: ObjectStore) -> Minio:
    return Minio(store.endpoint, "access", "secret", secure=False, region="us-east-1")


def put(client: Minio, key: str, body: bytes) -> None:
    client.put_object("reelworks", key, io.BytesIO(body), len(body))


def test_object_is_read_whole_and_in_ranges(client: Minio) -> None:
    put(client, "customers/c/assets/video/a.mp4", b"0123456789")

    with client.get_object("reelworks", "customers/c/assets/video/a.mp4") as whole:
        assert whole.read() == b"0123456789"
    with client.get_object("reelworks", "customers/c/assets/video/a.mp4", offset=3, length=4) as part:
        # rclone answers a range with 200 instead of 206. The bytes and this header are correct.
        assert part.headers["Content-Range"] == "bytes 3-6/10"
        assert part.read() == b"3456"
    assert client.stat_object("reelworks", "customers/c/assets/video/a.mp4").size == 10


def test_multipart_upload_of_unknown_length_succeeds(client: Minio) -> None:
    body = hashlib.sha256(b"seed").digest() * (11 * MIB // 32)

    client.put_object("reelworks", "large", io.BytesIO(body), length=-1, part_size=5 * MIB)

    with client.get_object("reelworks", "large") as stored:
        assert hashlib.sha256(stored.read()).digest() == hashlib.sha256(body).digest()


def test_presigned_url_needs_no_key_and_is_refused_after_a_change(client: Minio) -> None:
    put(client, "shared", b"for whoever has the link")
    url = client.presigned_get_object("reelworks", "shared", expires=timedelta(minutes=5))

    assert httpx.get(url, trust_env=False).content == b"for whoever has the link"
    ranged = httpx.get(url, headers={"Range": "bytes=4-10"}, trust_env=False)
    assert (ranged.headers["Content-Range"], ranged.content) == ("bytes 4-10/24", b"whoever")
    assert httpx.get(url.replace("shared", "large"), trust_env=False).status_code == 403
    assert httpx.get(url.partition("?")[0], trust_env=False).status_code == 400


def test_store_refuses_another_key(store: ObjectStore) -> None:
    stranger = Minio(store.endpoint, "access", "guess", secure=False, region="us-east-1")

    # No S3Error: rclone sends its errors as text/xml, which the client does not parse.
    with pytest.raises(InvalidResponseError, match="SignatureDoesNotMatch"):
        stranger.get_object("reelworks", "shared")


def test_command_line_does_not_hold_the_secret(store: ObjectStore) -> None:
    assert "secret" not in " ".join(psutil.Process(store.pid).cmdline())


def test_store_ignores_the_users_rclone_variables(store: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RCLONE_READ_ONLY", "true")

    environment = store.environment()

    assert [name for name in environment if name.startswith("RCLONE_")] == ["RCLONE_AUTH_KEY"]


def test_data_survives_a_restart(store: ObjectStore, client: Minio) -> None:
    put(client, "kept", b"still here")
    first = store.pid
    store.stop()
    assert first is not None
    assert not runs(first)

    store.start()
    store.wait_until_ready()

    with client.get_object("reelworks", "kept") as stored:
        assert stored.read() == b"still here"
