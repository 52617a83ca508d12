"""The cost of the decoder: `python -m bench.decoder`. Prints milliseconds for a file, and peaks of memory."""

import io
import statistics
import threading
import time
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from struct import pack
from uuid import uuid4

import av
import psutil
from av.video.stream import VideoStream
from PIL import Image

from media import decoder, reader
from media.decoder import Limits
from media.reading import Reading
from schemas.enums import Kind
from schemas.media_types import MP4, PNG, MediaType
from schemas.setting_groups import MediaSettings

_TIMES = 100
_EDGE = 8100
_CUSTOMER = uuid4()
_LIMITS = Limits(MediaSettings().memory_bytes, MediaSettings().seconds)


def main() -> None:
    """Measure and print."""
    for name, content, media, kind in (
        ("PNG of 1344x768", _png(), PNG, Kind.IMAGE),
        ("MP4 of 1280x720, 1 s", _mp4(), MP4, Kind.VIDEO),
    ):
        _compare(name, content, media, kind)
    _show_memory(_bomb())


def _compare(name: str, content: bytes, media: MediaType, kind: Kind) -> None:
    def in_process() -> object:
        return reader.read(io.BytesIO(content), media, kind)

    def forked() -> object:
        return decoder.read(io.BytesIO(content), media, kind, _LIMITS, size_bytes=len(content), customer_id=_CUSTOMER)

    def started() -> object:
        decoder._SERVER.close()  # noqa: SLF001 -- to see its start
        return forked()

    print(f"{name}, {len(content) // 1024} KiB: median and 95th percentile in ms, and processor time in ms")
    _show("in the worker", in_process, _TIMES)
    _show("decoder", forked, _TIMES)
    _show("new interpreter", started, 10)


def _show(way: str, read: Callable[[], object], times: int) -> None:
    read()
    before, taken = _processor_seconds(), []
    for _ in range(times):
        began = time.perf_counter()
        read()
        taken.append((time.perf_counter() - began) * 1000)
    used = f"{(_processor_seconds() - before) * 1000 / times:6.1f}" if times == _TIMES else ""
    print(f"  {way:16} {statistics.median(taken):6.1f} {statistics.quantiles(taken, n=20)[-1]:6.1f} {used}")


def _processor_seconds() -> float:
    """The time of this process, the decoder's server and its ended jobs."""
    processes = [psutil.Process()]
    if decoder._SERVER.process_id is not None:  # noqa: SLF001
        processes.append(psutil.Process(decoder._SERVER.process_id))  # noqa: SLF001
    times = [process.cpu_times() for process in processes]
    return sum(one.user + one.system for one in times) + sum(
        one.children_user + one.children_system for one in times[1:]
    )


def _show_memory(content: bytes) -> None:
    """Read the picture eight times for different customers, as many at once as the decoder reads."""
    before, peaks = psutil.Process().memory_info().rss, _Peaks(decoder._SERVER.process_id)  # noqa: SLF001

    def read_bomb(_: int) -> Reading:
        return decoder.read(io.BytesIO(content), PNG, Kind.IMAGE, _LIMITS, size_bytes=len(content), customer_id=uuid4())

    with peaks, ThreadPoolExecutor(decoder.FILES_AT_ONCE) as pool:
        found = list(pool.map(read_bomb, range(8)))
    print(
        f"PNG of {_EDGE}x{_EDGE}, 16-bit RGBA, {len(content) // 1024} KiB, "
        f"{decoder.FILES_AT_ONCE} at once: peaks in MiB"
    )
    print(f"  one job {peaks.one >> 20}, all jobs {peaks.all >> 20}, growth of the worker {(peaks.own - before) >> 20}")
    print(f"  the server while it waits {peaks.server.memory_info().rss >> 20}; undecoded: {found[0].undecoded}")


class _Peaks(threading.Thread):
    """The most memory of the jobs of a server, and of this process."""

    def __init__(self, server: int | None) -> None:
        super().__init__()
        self.server = psutil.Process(server)
        self.one = self.all = self.own = 0
        self._ended = threading.Event()

    def run(self) -> None:
        while not self._ended.wait(0.002):
            sizes = [0]
            for job in self.server.children():
                with suppress(psutil.Error):
                    sizes.append(job.memory_info().rss)
            self.one, self.all = max(self.one, *sizes), max(self.all, sum(sizes))
            self.own = max(self.own, psutil.Process().memory_info().rss)

    def __enter__(self) -> None:
        self.start()

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self.join()


def _png() -> bytes:
    output = io.BytesIO()
    Image.effect_noise((1344, 768), 20).convert("RGB").save(output, "PNG")
    return output.getvalue()


def _mp4() -> bytes:
    output = io.BytesIO()
    with av.open(output, "w", format="mp4") as container:
        stream = container.add_stream("h264", rate=24)
        assert isinstance(stream, VideoStream)
        stream.width, stream.height, stream.pix_fmt = 1280, 720, "yuv420p"
        for _ in range(24):
            picture = Image.effect_noise((1280, 720), 20).convert("RGB")
            frame: av.VideoFrame = av.VideoFrame.from_image(picture)  # type: ignore[no-untyped-call]  # PyAV has no types here
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return output.getvalue()


def _bomb() -> bytes:
    packer = zlib.compressobj(9)
    row = bytes(1 + 8 * _EDGE)
    pixels = b"".join([*(packer.compress(row) for _ in range(_EDGE)), packer.flush()])
    chunks = [(b"IHDR", pack(">IIBBBBB", _EDGE, _EDGE, 16, 6, 0, 0, 0)), (b"IDAT", pixels), (b"IEND", b"")]
    made = [pack(">I", len(body)) + kind + body + pack(">I", zlib.crc32(kind + body)) for kind, body in chunks]
    return b"\x89PNG\r\n\x1a\n" + b"".join(made)


if __name__ == "__main__":
    main()
