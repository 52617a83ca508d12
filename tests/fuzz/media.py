"""Media files. The decoder's process ends each file with a reading or with the reason of a refusal."""

import io
import math
from collections.abc import Mapping
from functools import cache
from uuid import uuid4

from hypothesis.strategies import SearchStrategy
from structlog.testing import capture_logs

from media import decoder
from media.decoder import Limits
from media.reading import Reading
from schemas.enums import Kind
from schemas.errors import ResultInvalid
from schemas.media_types import HEAD_BYTES, RESULTS, sniff
from tests.fuzz.changes import changed_bytes
from tests.fuzz.target import Target
from tests.media_files.table import IMAGES, VIDEOS

_LIMITS = Limits(memory_bytes=64 * 1024**2, seconds=5)
_LARGEST_SEED = 20_000
_CUSTOMER = uuid4()


def check(content: bytes) -> None:
    """The file is read, measured or refused for each kind of order, and no error of ours is met."""
    media = sniff(content[:HEAD_BYTES])
    if media is None:
        return
    with capture_logs() as lines:
        for kind in (kind for kind in Kind if media in RESULTS[kind]):
            try:
                _check_reading(
                    decoder.read(
                        io.BytesIO(content), media, kind, _LIMITS, size_bytes=len(content), customer_id=_CUSTOMER
                    )
                )
            except ResultInvalid as error:
                _check_reason(str(error))
        if media.demuxer:
            try:
                seconds = decoder.measure(
                    io.BytesIO(content), media, _LIMITS, size_bytes=len(content), customer_id=_CUSTOMER
                )
                assert math.isfinite(seconds)
            except ResultInvalid as error:
                _check_reason(str(error))
    failures = [line["trace"] for line in lines if line["event"] == "decoder_failed"]
    assert not failures, failures[0]


def _check_reading(reading: Reading) -> None:
    probe = reading.probe
    assert probe.width > 0
    assert probe.height > 0
    for number in (probe.duration_seconds, probe.frame_rate, probe.bit_rate):
        assert number is None or (math.isfinite(number) and number >= 0), probe
    _check_reason(reading.undecoded or "the picture was decoded")


def _check_reason(reason: str) -> None:
    assert reason.isprintable()
    assert "crashed" not in reason, reason


@cache
def seeds() -> Mapping[str, list[bytes]]:
    """The small files of the tables, by content type."""
    found: dict[str, list[bytes]] = {}
    for table in (IMAGES, VIDEOS):
        for good in table.values():
            content = good.make()
            if good.undecoded is None and len(content) <= _LARGEST_SEED:
                found.setdefault(good.media.content_type, []).append(content)
    return found


def cases(kept: Mapping[str, bytes]) -> Mapping[str, SearchStrategy[bytes]]:
    """Files of each format, with changes to their bytes."""
    others = {"kept": changed_bytes(list(kept.values()))} if kept else {}
    return {form: changed_bytes(files) for form, files in seeds().items()} | others


MEDIA = Target("media", cases, check)
