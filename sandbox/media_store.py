"""Makes media in threads and keeps it in a temporary directory of bounded size, which goes with the server."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from sandbox.frames import first_frame
from sandbox.media import MediaSpec, write_media

# The encoders release the interpreter lock, so two threads keep two cores busy and requests are still answered.
_ENCODERS = 2


@dataclass(frozen=True)
class SourceImage:
    """An input image that was fetched for a task."""

    path: Path
    width: int
    height: int


class MediaStore:
    """The files that the sandbox serves. The oldest are deleted when all together exceed the limit."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._directory = TemporaryDirectory(prefix="reelworks-sandbox-")
        self._pool = ThreadPoolExecutor(_ENCODERS, thread_name_prefix="encoder")
        self._cancelled = threading.Event()
        self._lock = threading.Lock()
        self._sizes: dict[str, int] = {}

    async def make(self, name: str, spec: MediaSpec, *, seed: str, source: SourceImage | None) -> None:
        """Make a file under this name. The same seed, spec and source give the same bytes."""
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._pool, self._make, name, spec, seed, source)

    async def keep_source(self, name: str, content: bytes) -> SourceImage:
        """Keep an input image for its task. Raises `UnreadableImage` when it is not an image."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._keep_source, name, content)

    def path(self, name: str) -> Path | None:
        """Where a finished file lies; None when there is none of this name, or no longer."""
        with self._lock:
            return self._root / name if name in self._sizes else None

    def clear(self) -> None:
        """Delete all finished files."""
        with self._lock:
            for name in self._sizes:
                (self._root / name).unlink()
            self._sizes.clear()

    def close(self) -> None:
        """Give up what is being made and delete everything."""
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
