"""The loaded pipelines. The one that was used longest ago makes room for the next."""

import gc
import time
from dataclasses import dataclass
from threading import Lock

import structlog

from model_server import measured
from model_server.configuration import Configuration
from model_server.loading import Runnable, load, weight_bytes

log = structlog.get_logger()


@dataclass
class _Loaded:
    pipeline: Runnable
    bytes: int
    used_at: float


class Shelf:
    """Only the runner's thread loads and evicts. Every thread may ask for the facts."""

    def __init__(self, configuration: Configuration, *, device: str, memory_bytes: int) -> None:
        self._configuration = configuration
        self._device = device
        self._memory_bytes = memory_bytes
        self._loaded: dict[str, _Loaded] = {}
        self._lock = Lock()

    def get(self, name: str) -> Runnable:
        """The pipeline, which is loaded where it is not, after others have made room.

        Raises:
            JobFailed: the pipeline cannot be loaded.
            torch.OutOfMemoryError: the device is full, even without the others.
        """
        import torch

        if (known := self._loaded.get(name)) is not None:
            known.used_at = time.monotonic()
            return known.pipeline
        configured = self._configuration.pipelines[name]
        self._make_room(configured.memory_bytes or weight_bytes(configured))
        began = time.monotonic()
        try:
            pipeline, found = load(configured, device=self._device)
        except torch.OutOfMemoryError:
            if not self._loaded:
                raise
            pipeline = None
        if pipeline is None:
            self.keep_only()
            pipeline, found = load(configured, device=self._device)
        needed = configured.memory_bytes or found
        seconds = time.monotonic() - began
        with self._lock:
            self._loaded[name] = _Loaded(pipeline, needed, time.monotonic())
        # A source of the hub tells its size only now.
        self._make_room(0, keep=name)
        measured.LOADS.labels(name).inc()
        measured.LOAD_SECONDS.labels(name).observe(seconds)
        self._show()
        log.info("pipeline_loaded", pipeline=name, seconds=round(seconds, 1), memory_bytes=needed)
        return pipeline

    def bytes_of(self, name: str) -> int | None:
        """The bytes of a loaded pipeline. None: not loaded."""
        with self._lock:
            loaded = self._loaded.get(name)
            return None if loaded is None else loaded.bytes

    def keep_only(self, name: str | None = None) -> int:
        """Evict every other pipeline. Returns their number."""
        others = [each for each in self._loaded if each != name]
        for each in others:
            self._evict(each)
        return len(others)

    def _make_room(self, needed: int, *, keep: str | None = None) -> None:
        while sum(each.bytes for each in self._loaded.values()) + needed > self._memory_bytes:
            others = [name for name in self._loaded if name != keep]
            if not others:
                return
            self._evict(min(others, key=lambda name: self._loaded[name].used_at))

    def _evict(self, name: str) -> None:
        with self._lock:
            del self._loaded[name]
        free_memory()
        measured.EVICTIONS.labels(name).inc()
        self._show()
        log.info("pipeline_evicted", pipeline=name)

    def _show(self) -> None:
        measured.LOADED_BYTES.set(sum(each.bytes for each in self._loaded.values()))
        for name in self._configuration.pipelines:
            measured.LOADED.labels(name).set(name in self._loaded)


def free_memory() -> None:
    """Give memory of freed tensors back to the device."""
    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def check_device(device: str) -> None:
    """Wait for all work on a GPU. An error of CUDA that stays, such as an illegal access to memory, is raised again.

    Raises:
        RuntimeError: only a new process can use the device.
    """
    import torch

    if device.startswith("cuda"):
        torch.cuda.synchronize(device)
