"""The results of the model's vendor: a real HTTP server with a different picture for each work."""

import hashlib
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from sandbox.media import MediaSpec, write_media
from tests.model.moods import File


@lru_cache(maxsize=64)
def picture(remote_id: str) -> bytes:
    """The result of a work: a unique PNG."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "picture.png"
        spec = MediaSpec(format="png", width=64, height=64)
        write_media(path, spec, seed=remote_id, source=None, cancelled=threading.Event())
        return path.read_bytes()


def sha256_of(remote_id: str) -> str:
    """SHA-256 of the picture, in lower-case hex."""
    return hashlib.sha256(picture(remote_id)).hexdigest()


class Files:
    """The server's address, and the behaviour of each link."""

    def __init__(self, port: int) -> None:
        self._base = f"http://127.0.0.1:{port}/"
        self._behaviour: dict[str, File] = {}

    def url(self, remote_id: str) -> str:
        """The link to a result."""
        return self._base + remote_id

    def behave(self, url: str, file: File) -> None:
        """Set the behaviour of a link from now on."""
        self._behaviour[url.removeprefix(self._base)] = file

    def answer(self, remote_id: str) -> tuple[int, bytes]:
        """Status and body."""
        match self._behaviour.get(remote_id, File.WHOLE):
            case File.WHOLE:
                return 200, picture(remote_id)
            case File.STALE:
                return 403, b""
            case File.BROKEN:
                return 500, b""
            case File.CUT:
                return 200, picture(remote_id)[:-20]
            case File.NO_PICTURE:
                return 200, b"<html>a page, where a picture was expected</html>"


@contextmanager
def serve() -> Iterator[Files]:
    """Serve results on a free port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = files.answer(self.path.removeprefix("/"))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        files = Files(server.server_port)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield files
        finally:
            server.shutdown()
            thread.join()
