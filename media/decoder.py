"""Reads strangers' files in processes with limits of memory, time and network (docs/decisions/0034).

`media/child.py` is the other side. This side loads no decoder, keeps the file, and believes nothing that it is told.
"""

import atexit
import os
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import BinaryIO, Literal, TypeVar
from uuid import UUID

import structlog

from media import syscalls, wire
from media.answers import made_of, probe_of, reading_of, seconds_of
from media.fork_server import ForkServer, Process, ServerGone
from media.reading import Probe, Reading
from media.variants.recipes import Job, Made
from schemas.enums import Kind
from schemas.errors import ResultInvalid
from schemas.media_types import MediaType
from schemas.shares import Shares

log: structlog.stdlib.BoundLogger = structlog.get_logger()

# With the memory limit of one file, this bounds the memory of a process for strangers' files.
FILES_AT_ONCE = 3
_PLACES = Shares(each=2, total=FILES_AT_ONCE)
# The usual file is read in less. A file waits for such files, and gets no place beside slower files.
_PATIENCE_SECONDS = 2.0

# The server loads its decoders before it starts the first job. The machine may be busy.
_START_SECONDS = 60.0
# The time by the clock is longer than the processor time: the machine may be busy. Reads of the file are not counted.
_CLOCK_FACTOR = 2
# A variant is made behind all other work of the machine.
_CLOCK_FACTOR_OF_VARIANTS = 6

# A file may come slowly from the object store.
_MOST_READ_SECONDS = 300.0
_LEAST_WAIT = 0.001
# A job ends with its server, and a moment before.
_SERVER_END_SECONDS = 0.2

_TRIES = 3
_NO_START = "the decoder does not start: its reason is in the standard error of this process"
_LONGEST_REASON = 300

_Result = TypeVar("_Result")

_SERVER = ForkServer()
atexit.register(_SERVER.close)


@dataclass(frozen=True)
class Limits:
    """The limits of one file."""

    memory_bytes: int
    """The memory for its pictures."""
    seconds: int
    """The processor time. By the clock, the file is given up after twice this."""


class Stopped(Exception):
    """The job has no answer. The text is the reason, for the customer."""

    def __init__(self, reason: str, probe: Probe | None, *, is_limit: bool = False) -> None:
        super().__init__(reason)
        self.probe = probe
        """The facts of the header, if they came before."""
        self.is_limit = is_limit
        """Whether the job needs more than its limits allow. Another try would need as much."""


class DiskFull(Exception):
    """The disk has no room for the output file."""


def start() -> None:
    """Start to load the decoders, so that the first file need not wait for them."""
    if not syscalls.can_refuse():
        log.info("decoder_without_filter", reason="the kernel or the architecture has no known filter of system calls")
    _SERVER.start()


def read(
    file: BinaryIO, media: MediaType, kind: Kind, limits: Limits, *, size_bytes: int, customer_id: UUID
) -> Reading:
    """Read a file as `media.reader.read` does, in another process.

    If a picture cannot be decoded within the limits, the header's facts are the result. `Reading.undecoded` has the
    reason.

    Args:
        file: a seekable file. Its errors are raised here.
        customer_id: the customer whose place the file takes.

    Raises:
        NoPlace: slow files take all places, or all places of the customer.
        ResultInvalid: the file is cut, is damaged, or is not of the kind; or not even the header was read.
    """
    try:
        return _run(reading_of, _task("read", media, kind, limits, size_bytes), file, customer_id)
    except Stopped as stopped:
        if stopped.probe is None:
            raise ResultInvalid(f"the file cannot be read: {stopped}") from None
        log.warning("decoder_stopped", reason=str(stopped), content_type=media.content_type)
        return Reading(stopped.probe, undecoded=str(stopped))


def measure(file: BinaryIO, media: MediaType, limits: Limits, *, size_bytes: int, customer_id: UUID) -> float:
    """Measure a video as `media.lengths.longest` does, in another process.

    Raises:
        NoPlace: slow files take all places, or all places of the customer.
        ResultInvalid: the video was not measured within the limits.
    """
    try:
        return _run(seconds_of, _task("measure", media, media.kind, limits, size_bytes), file, customer_id)
    except Stopped as stopped:
        raise ResultInvalid(f"the video cannot be measured: {stopped}") from None


def make(
    file: BinaryIO,
    media: MediaType,
    job: Job,
    limits: Limits,
    *,
    size_bytes: int,
    output: BinaryIO,
    output_bytes: int,
) -> tuple[Made, str | None]:
    """Make a variant as `media.variants.making.make` does, in another process.

    Args:
        file: the result, a seekable file. Its errors are raised here.
        output: an empty file, which gets the variant.
        output_bytes: the most bytes of the variant.

    The caller limits how many variants a process makes at one time. They take no place of files that are read.

    Raises:
        ResultInvalid: the result cannot be decoded, or has no such part.
        Stopped: the variant needs more than the limits, or the process crashed.
        DiskFull: the disk is full.
    """
    task = wire.Task(
        "make", media.content_type, job.kind, size_bytes, limits.memory_bytes, limits.seconds, output_bytes, asdict(job)
    )
    descriptor = output.fileno()
    for _ in range(_TRIES):
        os.ftruncate(descriptor, 0)
        with suppress(ServerGone), _SERVER.process(task.memory_bytes, shared=False, output=descriptor) as process:
            return _Job(process, file, task).run(made_of)
    raise RuntimeError(_NO_START)


def _task(name: Literal["read", "measure"], media: MediaType, kind: Kind, limits: Limits, size_bytes: int) -> wire.Task:
    return wire.Task(name, media.content_type, kind, size_bytes, limits.memory_bytes, limits.seconds)


def _run(parse: Callable[[wire.Message], _Result], task: wire.Task, file: BinaryIO, customer_id: UUID) -> _Result:
    for _ in range(_TRIES):
        with (
            _PLACES.taken_by(customer_id, patience_seconds=_PATIENCE_SECONDS),
            suppress(ServerGone),
            _SERVER.process(task.memory_bytes, shared=_is_small_image(task)) as process,
        ):
            return _Job(process, file, task).run(parse)
    raise RuntimeError(_NO_START)


def _is_small_image(task: wire.Task) -> bool:
    """Whether the file is sent with its task. Such files are many, so they share processes."""
    return task.name == "read" and task.kind == Kind.IMAGE and task.size_bytes <= wire.MOST_CONTENT_BYTES


class _Job:
    """One file and one process: sends the file, and waits for the answer."""

    def __init__(self, process: Process, file: BinaryIO, task: wire.Task) -> None:
        self._process = process
        self._connection = process.connection
        self._is_used = process.files > 0
        self._file = file
        self._task = task
        self._probe: Probe | None = None
        self._has_started = False
        # Until the first message, the server may still load its decoders.
        self._deadline = time.monotonic() + _START_SECONDS
        self._read_seconds = 0.0

    def run(self, parse: Callable[[wire.Message], _Result]) -> _Result:
        """The answer.

        Raises:
            ResultInvalid: the decoder found the file bad.
            Stopped: the decoder found nothing.
            ServerGone: the server ended.
        """
        try:
            self._send(asdict(self._task), self._small_image())
            return parse(self._answer())
        except wire.NoMessage:
            # A process that has read other files may have ended before this file.
            if (self._is_used and not self._has_started) or self._process.lost_its_server(within=_SERVER_END_SECONDS):
                raise ServerGone from None
            raise self._stopped("the decoder crashed") from None

    def _small_image(self) -> bytes:
        """The whole file if it is a small image. Of other files, the decoder asks for parts."""
        if not _is_small_image(self._task):
            return b""
        self._file.seek(0)
        return self._file.read(self._task.size_bytes)

    def _answer(self) -> wire.Message:
        while True:
            message = self._receive()
            match message.values:
                case {"started": True} if not self._has_started:
                    self._deadline = time.monotonic() + self._clock_seconds
                    self._has_started = True
                case {"offset": int(offset), "length": int(length)}:
                    self._send_block(offset, length)
                case {"probe": dict(facts)}:
                    self._probe = probe_of(facts)
                case {"invalid": str(reason)}:
                    raise ResultInvalid(reason[:_LONGEST_REASON])
                case {"memory": _}:
                    needs = f"decoding needs more than {self._task.memory_bytes // 1024**2} MiB of memory"
                    raise self._stopped(needs, is_limit=True)
                case {"out_of_time": _}:
                    needs = f"decoding needs more than {self._task.seconds} s of processor time"
                    raise self._stopped(needs, is_limit=True)
                case {"too_large": _}:
                    needs = f"the file would be larger than {self._task.output_bytes // 1024**2} MiB"
                    raise self._stopped(needs, is_limit=True)
                case {"disk_full": _}:
                    raise DiskFull("the disk of the worker has no room for the file")
                case {"failure": str(trace)}:
                    log.error("decoder_failed", trace=trace)
                    raise self._stopped("the decoder failed")
                case _:
                    return message

    def _receive(self) -> wire.Message:
        try:
            return wire.receive(self._connection, self._deadline)
        except TimeoutError:
            if self._has_started:
                raise self._stopped(f"decoding takes longer than {self._clock_seconds} s", is_limit=True) from None
            _SERVER.close()
            raise ServerGone from None
        except OSError as error:
            raise wire.NoMessage from error

    def _send_block(self, offset: int, length: int) -> None:
        """Send bytes of the file. Their reading does not count as time of the decoder, up to a limit."""
        began = time.monotonic()
        self._file.seek(max(0, offset))
        block = self._file.read(max(0, min(length, wire.BLOCK_BYTES)))
        seconds = min(time.monotonic() - began, _MOST_READ_SECONDS - self._read_seconds)
        self._read_seconds += seconds
        self._deadline += seconds
        self._send({}, block)

    def _send(self, values: Mapping[str, object], content: bytes = b"") -> None:
        """Send a message. If the decoder takes none, the next message tells the reason."""
        self._connection.settimeout(max(_LEAST_WAIT, self._deadline - time.monotonic()))
        with suppress(OSError):
            wire.send(self._connection, values, content)

    @property
    def _clock_seconds(self) -> int:
        """The most seconds of the job by the clock, without those of reads."""
        return self._task.seconds * (_CLOCK_FACTOR_OF_VARIANTS if self._task.name == "make" else _CLOCK_FACTOR)

    def _stopped(self, reason: str, *, is_limit: bool = False) -> Stopped:
        return Stopped(reason, self._probe, is_limit=is_limit)
