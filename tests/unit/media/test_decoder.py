"""The decoder with real files, and with code in the place of the decoders, as a hostile file could run it."""

import errno
import io
import socket
import subprocess
import sys
import textwrap
import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from struct import pack
from uuid import UUID, uuid4

import psutil
import pytest

from media import decoder, fork_server, reader, syscalls, wire
from media.decoder import Limits
from media.fork_server import FILES_OF_A_PROCESS, ForkServer
from media.reading import Probe, Reading
from schemas.enums import Kind
from schemas.errors import ResultInvalid
from schemas.media_types import MP4, PNG, MediaType
from schemas.shares import NoPlace
from tests.media_files.images import image, png
from tests.media_files.servers import DecoderServer
from tests.media_files.table import IMAGES, REFUSED, VIDEOS
from tests.support import eventually

MIB = 1024**2
CUSTOMER = uuid4()
USUAL = Limits(512 * MIB, 30)
QUICK = Limits(512 * MIB, 1)
# The header must come within them.
SOON = Limits(512 * MIB, 5)


def read(
    content: bytes,
    media: MediaType = PNG,
    kind: Kind = Kind.IMAGE,
    limits: Limits = USUAL,
    customer_id: UUID = CUSTOMER,
) -> Reading:
    return decoder.read(io.BytesIO(content), media, kind, limits, size_bytes=len(content), customer_id=customer_id)


TakenOver = Callable[[str], ForkServer]


@pytest.fixture
def taken_over(decoder_server: DecoderServer) -> TakenOver:
    """Starts a server whose jobs tell a header of 3x2 pixels and then run this code."""

    def take_over(code: str) -> ForkServer:
        body = f"tell(media.child.Probe(3, 2, 'png'))\n{code}"
        lines = textwrap.indent(body, "    ")
        return decoder_server(
            f"def read(file, media_type, kind, memory_bytes, tell):\n{lines}\nmedia.child.read = read"
        )

    return take_over


def said(code: str, taken_over: TakenOver) -> str:
    """The text of a value that a job computes."""
    taken_over(f"from schemas.errors import ResultInvalid\n{code}\nraise ResultInvalid(str(value))")
    with pytest.raises(ResultInvalid) as raised:
        read(image("PNG"))
    return str(raised.value)


@pytest.mark.parametrize("kind", list(Kind))
def test_every_file_is_read_as_without_the_decoder(kind: Kind) -> None:
    for name, good in (IMAGES if kind is Kind.IMAGE else VIDEOS).items():
        content = good.make()
        expected = reader.read(io.BytesIO(content), good.media, kind)
        assert read(content, good.media, kind) == expected, name


@pytest.mark.parametrize(("name", "media"), [("damaged png", PNG), ("sound", MP4), ("unknown codec", MP4)])
def test_a_bad_file_has_its_reason(name: str, media: MediaType) -> None:
    with pytest.raises(ResultInvalid, match=f"^{REFUSED[name].reason}$"):
        read(REFUSED[name].make(), media, REFUSED[name].kind)


def test_an_error_of_the_store_is_raised_as_such() -> None:
    class Away(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise ConnectionResetError("the store is away")

    with pytest.raises(ConnectionResetError, match="the store is away"):
        decoder.read(Away(bytes(100)), PNG, Kind.IMAGE, USUAL, size_bytes=100, customer_id=CUSTOMER)


def wide_png(edge: int) -> bytes:
    """A black picture with 16 bits for each of four colours. Half a megabyte unfolds into 8 bytes for each pixel."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return pack(">I", len(body)) + kind + body + pack(">I", zlib.crc32(kind + body))

    packer = zlib.compressobj(9)
    row = bytes(1 + 8 * edge)
    pixels = b"".join([*(packer.compress(row) for _ in range(edge)), packer.flush()])
    header = pack(">IIBBBBB", edge, edge, 16, 6, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def test_a_picture_beyond_the_memory_is_not_decoded_and_its_size_is_known() -> None:
    found = read(wide_png(8100), limits=Limits(128 * MIB, 30))
    assert found == Reading(
        Probe(8100, 8100, "png"),
        undecoded="a picture of 8100x8100 is not decoded: it needs 250 MiB of memory, and 128 MiB are the limit",
    )


def test_a_picture_within_the_memory_is_decoded() -> None:
    assert read(wide_png(8100)) == Reading(Probe(8100, 8100, "png"))


def test_a_png_beyond_64_megapixels_is_not_decoded_to_find_its_orientation() -> None:
    found = read(png(16000, 16000), limits=Limits(64 * MIB, 30))
    assert found.undecoded == "a picture of 16000x16000 is not decoded: 64 megapixels are the limit"


def test_a_decoder_that_needs_more_memory_than_expected_is_stopped(decoder_server: DecoderServer) -> None:
    decoder_server("media.limits._BYTES_PER_PIXEL[media.limits.PNG] = 0")
    found = read(wide_png(8100), limits=Limits(64 * MIB, 30))
    assert found == Reading(Probe(8100, 8100, "png"), undecoded="decoding needs more than 64 MiB of memory")


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("import ctypes; ctypes.string_at(0)", "the decoder crashed"),
        ("os.abort()", "the decoder crashed"),
        ("bytearray(10**12)", "decoding needs more than 512 MiB of memory"),
        ("raise KeyError('a bug')", "the decoder failed"),
    ],
)
def test_a_job_that_stops_leaves_the_facts_of_the_header(code: str, reason: str, taken_over: TakenOver) -> None:
    taken_over(code)
    assert read(image("PNG")) == Reading(Probe(3, 2, "png"), undecoded=reason)


def test_a_job_that_computes_without_end_is_stopped(taken_over: TakenOver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoder, "_CLOCK_FACTOR", 600)
    taken_over("while True: pass")
    reason = "decoding needs more than 1 s of processor time"
    assert read(image("PNG"), limits=QUICK) == Reading(Probe(3, 2, "png"), undecoded=reason)


@pytest.mark.slow
def test_a_job_that_waits_without_end_is_stopped(taken_over: TakenOver) -> None:
    taken_over("time.sleep(600)")
    reason = "decoding takes longer than 10 s"
    assert read(image("PNG"), limits=SOON) == Reading(Probe(3, 2, "png"), undecoded=reason)


def test_a_job_that_stops_before_the_header_makes_the_file_invalid(decoder_server: DecoderServer) -> None:
    decoder_server("media.child.read = lambda *_, **__: os.abort()")
    with pytest.raises(ResultInvalid, match=r"^the file cannot be read: the decoder crashed$"):
        read(image("PNG"))


@pytest.mark.parametrize(
    "code",
    [
        "os.write(3, bytes(1_000_000))",
        "os.write(3, b'\\xff' * 8)",
        "os.write(3, b'\\0\\0\\0\\2\\0\\0\\0\\0[]')",
        "return media.child.Probe(-1, 2, 'png')",
        "return media.child.Reading(media.child.Probe(-1, 2, 'png'))",
        "return media.child.Reading(media.child.Probe(1, 2, 'x' * 41))",
        "return media.child.Reading(media.child.Probe(1, 2, 'png', duration_seconds=float('nan')))",
        "return media.child.Reading(media.child.Probe(1, 2, 'png'), media.child.Poster(b'<html>', 1, 1))",
    ],
)
def test_an_answer_without_sense_is_not_believed(code: str, taken_over: TakenOver) -> None:
    taken_over(
        f"from media.reading import Poster, Reading\nmedia.child.Poster, media.child.Reading = Poster, Reading\n{code}"
    )
    found = read(image("PNG"))
    assert (found.probe, found.poster) == (Probe(3, 2, "png"), None)
    assert found.undecoded in {"the decoder failed", "the decoder crashed"}


@pytest.mark.slow
def test_a_job_that_takes_too_long_is_killed(taken_over: TakenOver) -> None:
    taken_over("tell(media.child.Probe(os.getpid(), 2, 'png'))\ntime.sleep(600)")
    job = read(image("PNG"), limits=SOON).probe.width
    eventually(lambda: psutil.pid_exists(job), lambda exists: not exists)


_ITS_PROCESS = "from media.reading import Reading\nreturn Reading(media.child.Probe(os.getpid(), 2, 'png'))"


def test_small_pictures_share_a_few_processes(taken_over: TakenOver) -> None:
    taken_over(_ITS_PROCESS)
    jobs = [read(image("PNG")).probe.width for _ in range(2 * FILES_OF_A_PROCESS)]
    assert [jobs.count(job) for job in dict.fromkeys(jobs)] == [FILES_OF_A_PROCESS] * 2


def test_another_threads_default_timeout_changes_nothing(decoder_server: DecoderServer) -> None:
    # As kombu sets it while it gives a lost connection up.
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(60)
    try:
        decoder_server("pass")
        found = [read(VIDEOS["mp4 h264"].make(), MP4, Kind.VIDEO) for _ in range(3)]
    finally:
        socket.setdefaulttimeout(before)
    assert [each.undecoded for each in found] == [None] * 3


def test_every_video_has_its_own_process(taken_over: TakenOver) -> None:
    taken_over(_ITS_PROCESS)
    content = VIDEOS["mp4 h264"].make()
    assert len({read(content, MP4, Kind.VIDEO).probe.width for _ in range(3)}) == 3


def test_another_memory_limit_has_another_process(taken_over: TakenOver) -> None:
    taken_over(_ITS_PROCESS)
    assert read(image("PNG")).probe.width != read(image("PNG"), limits=Limits(64 * MIB, 30)).probe.width


@pytest.mark.parametrize("end", ["os.abort()", "raise media.child.ResultInvalid('bad')", "raise KeyError"])
def test_the_file_after_a_bad_file_has_a_fresh_process(end: str, taken_over: TakenOver) -> None:
    running = taken_over(f"if file.read(1) == b'x':\n    {end}\n{_ITS_PROCESS}")
    before = read(image("PNG")).probe.width
    with suppress(ResultInvalid):
        read(b"x")
    assert read(image("PNG")).probe.width != before
    assert running.process_id is not None
    eventually(lambda: len(psutil.Process(running.process_id).children()), lambda count: count == 1)


def test_a_process_that_ended_between_two_files_is_replaced(taken_over: TakenOver) -> None:
    taken_over(_ITS_PROCESS)
    before = read(image("PNG")).probe.width
    psutil.Process(before).kill()
    assert read(image("PNG")).probe.width != before


def test_each_file_of_a_process_has_its_own_time(taken_over: TakenOver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoder, "_CLOCK_FACTOR", 600)
    taken_over(f"end = time.process_time() + 0.6\nwhile time.process_time() < end: pass\n{_ITS_PROCESS}")
    assert len({read(image("PNG"), limits=QUICK).probe.width for _ in range(4)}) == 1


def test_a_started_server_reads_the_first_file(taken_over: TakenOver) -> None:
    running = taken_over(_ITS_PROCESS)
    decoder.start()
    server = running.process_id
    assert read(image("PNG")).probe.width != server
    assert running.process_id == server is not None


def test_a_killed_server_is_started_again(decoder_server: DecoderServer) -> None:
    running = decoder_server("")
    read(image("PNG"))
    assert running.process_id is not None
    psutil.Process(running.process_id).kill()
    assert read(image("PNG")) == Reading(Probe(48, 32, "png"))


def test_a_file_whose_server_dies_is_read_by_the_next_server(
    taken_over: TakenOver, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = fork_server._COMMAND
    running = taken_over("time.sleep(600)")
    dying = fork_server._COMMAND
    commands = iter([dying, usual])
    start = fork_server._start

    def start_next() -> object:
        monkeypatch.setattr(fork_server, "_COMMAND", next(commands))
        return start()

    receive = wire.receive

    def receive_and_kill(connection: socket.socket, deadline: float | None = None) -> wire.Message:
        message = receive(connection, deadline)
        if message.values.get("probe") and fork_server._COMMAND is dying:
            psutil.Process(running.process_id).kill()
        return message

    monkeypatch.setattr(fork_server, "_start", start_next)
    monkeypatch.setattr(wire, "receive", receive_and_kill)
    assert read(image("PNG")) == Reading(Probe(48, 32, "png"))


def test_a_server_that_does_not_start_says_so(decoder_server: DecoderServer) -> None:
    decoder_server("raise SystemExit(1)")
    with pytest.raises(RuntimeError, match="the decoder does not start"):
        read(image("PNG"))


def test_a_server_ends_with_its_process() -> None:
    script = (
        "import io, os, signal\nfrom uuid import uuid4\nfrom media import decoder\n"
        "from schemas.enums import Kind\nfrom schemas.media_types import PNG\n"
        f"content = {image('PNG')!r}\n"
        "limits = decoder.Limits(2**29, 30)\n"
        "decoder.read(io.BytesIO(content), PNG, Kind.IMAGE, limits, size_bytes=len(content), customer_id=uuid4())\n"
        "print(decoder._SERVER.process_id, flush=True)\nos.kill(os.getpid(), signal.SIGKILL)"
    )
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    eventually(lambda: psutil.pid_exists(int(ended.stdout)), lambda exists: not exists)


def test_a_job_has_no_secrets(taken_over: TakenOver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REELWORKS_SECRET_KEY", "a secret")
    names = said("value = sorted(os.environ)", taken_over)
    assert "MALLOC_ARENA_MAX" in names
    assert "REELWORKS" not in names


@pytest.mark.parametrize(
    "attempt", ["import socket; socket.socket()", "open('/etc/passwd')", "os.dup(3)", "os.pipe()", "os.open('/', 0)"]
)
def test_a_job_opens_nothing(attempt: str, taken_over: TakenOver) -> None:
    code = f"try:\n    {attempt}\n    value = 'opened'\nexcept OSError as error:\n    value = error.strerror"
    assert said(code, taken_over) in {"Too many open files", "Operation not permitted"}


def test_a_job_is_refused_every_call_that_no_decoder_needs(taken_over: TakenOver) -> None:
    """Where the kernel takes a filter. Elsewhere there is nothing to try."""
    numbers = syscalls.refused_calls() if syscalls.can_refuse() else []
    code = f"""
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
value = []
for number in {numbers}:
    ctypes.set_errno(0)
    if libc.syscall(number, 0, 0, 0, 0, 0, 0) != -1 or ctypes.get_errno() != {errno.EPERM}:
        value.append(number)
"""
    assert said(code, taken_over) == "[]"


@pytest.mark.parametrize(
    "attempt", ["os.fork()", "os.execv('/bin/true', ['true'])", "os.kill(os.getppid(), 0)", "os.unlink('/nothing')"]
)
def test_a_job_reaches_no_other_process_and_changes_no_file(attempt: str, taken_over: TakenOver) -> None:
    attempt = attempt if syscalls.can_refuse() else f"raise PermissionError({errno.EPERM}, 'Operation not permitted')"
    code = f"try:\n    {attempt}\n    value = 'done'\nexcept OSError as error:\n    value = error.strerror"
    assert said(code, taken_over) == "Operation not permitted"


def test_a_job_has_no_descriptor_but_its_connection(taken_over: TakenOver) -> None:
    code = (
        "value = []\nfor number in range(100):\n    try:\n        os.fstat(number)\n        value.append(number)\n"
        "    except OSError: pass"
    )
    assert said(code, taken_over) == "[0, 1, 2, 3]"


_NETWORK = Path("/proc/self/ns/net")


def _may_leave_the_network() -> bool:
    script = "import ctypes; raise SystemExit(ctypes.CDLL(None).unshare(0x50000000) != 0)"
    return sys.platform == "linux" and subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def test_a_job_leaves_the_network_where_the_kernel_allows_and_has_no_privileges(taken_over: TakenOver) -> None:
    code = (
        "import ctypes\nsets = (ctypes.c_uint32 * 6)()\n"
        f"if {sys.platform == 'linux'}: ctypes.CDLL(None).capget((ctypes.c_uint32 * 2)(0x20080522, 0), sets)\n"
        f"place = {str(_NETWORK)!r}\nvalue = os.readlink(place) if os.path.lexists(place) else '', list(sets)"
    )
    network, privileges = said(code, taken_over)[1:-1].split(", ", 1)
    ours = str(_NETWORK.readlink()) if _NETWORK.is_symlink() else ""
    # Where the kernel refuses, the limit of open files still refuses every socket: `test_a_job_opens_nothing`.
    assert (network.strip("'") != ours) is _may_leave_the_network()
    assert privileges == "[0, 0, 0, 0, 0, 0]"


def test_a_worker_loads_no_decoder() -> None:
    script = "import sys, tasks.pipeline, intake.uploads; raise SystemExit(bool({'av', 'PIL'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def test_slow_files_of_one_customer_leave_a_place_to_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoder, "_PATIENCE_SECONDS", 0)
    with decoder._PLACES.taken_by(CUSTOMER), decoder._PLACES.taken_by(CUSTOMER):
        with pytest.raises(NoPlace) as refused:
            read(image("PNG"))
        assert refused.value.is_own
        assert read(image("PNG"), customer_id=uuid4()) == Reading(Probe(48, 32, "png"))
    assert read(image("PNG")) == Reading(Probe(48, 32, "png"))


def test_a_video_is_measured() -> None:
    content = VIDEOS["mp4 h264"].make()
    seconds = decoder.measure(io.BytesIO(content), MP4, USUAL, size_bytes=len(content), customer_id=CUSTOMER)
    assert seconds == pytest.approx(1, abs=0.05)
