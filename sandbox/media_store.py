"""Makes media in threads and stores it in a temporary directory of limited size. The directory goes with the server."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from sandbox.frames import first_frame
from sandbox.media import MediaSpec, write_media

# The encoders release the interpreter lock: two threads keep two cores busy while the server answers requests.
_ENCODERS = 2


@dataclass(frozen=True)
class SourceImage:
    """An input image that was fetched for a task."""

    path: Path
    """The image's file."""
    width: int
    """Pixels."""
    height: int
    """Pixels."""


class MediaStore:
    """The files that the sandbox serves. The oldest files are deleted when the total size exceeds the limit."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._directory = TemporaryDirectory(prefix="reelworks-sandbox-")
        self._pool = ThreadPoolExecutor(_ENCODERS, thread_name_prefix="encoder")
        self._cancelled = threading.Event()
        self._lock = threading.Lock()
        self._sizes: dict[str, int] = {}

    async def make(self, name: str, spec: MediaSpec, *, seed: str, source: SourceImage | None) -> None:
        """Make a file with this name. Equal seed, spec and source give equal bytes."""
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._pool, self._make, name, spec, seed, source)

    async def keep_source(self, name: str, content: bytes) -> SourceImage:
        """Store an input image for its task. Raises `UnreadableImage` if the content is not an image."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._keep_source, name, content)

    def path(self, name: str) -> Path | None:
        """The path of a finished file. None for a name that never existed or was deleted."""
        with self._lock:
            return self._root / name if name in self._sizes else None

    def clear(self) -> None:
        """Delete all finished files."""
        with self._lock:
            for name in self._sizes:
                (self._root / name).unlink()
            self._sizes.clear()

    def close(self) -> None:
        """Abandon unfinished files and delete everything."""
        self._cancelled.set()
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._directory.cleanup()

    @property
    def _root(self) -> Path:
        return Path(self._directory.name)

    def _make(self, name: str, spec: MediaSpec, seed: str, source: SourceImage | None) -> None:
        path = self._root / name
        write_media(path, spec, seed=seed, source=source.path if source else None, cancelled=self._cancelled)
        with self._lock:
            self._sizes[name] = path.stat().st_size
            self._evict()

    def _evict(self) -> None:
        excess = sum(self._sizes.values()) - self._max_bytes
        for name in list(self._sizes)[:-1]:
            if excess <= 0:
                return
            excess -= self._sizes.pop(name)
            (self._root / name).unlink()

    def _keep_source(self, name: str, content: bytes) -> SourceImage:
        path = self._root / name
        path.write_bytes(content)
        try:
            picture = first_frame(path)
        except BaseException:
            path.unlink()
            raise
        return SourceImage(path, picture.width, picture.height)
