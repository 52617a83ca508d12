"""Cuts whole files at many places. Nothing but the end of a file can be missed."""

import io

import pytest

from media.reader import read
from media.reading import Reading
from schemas.enums import Kind
from schemas.errors import ResultInvalid
from schemas.media_types import HEAD_BYTES, sniff
from tests.media_files.table import WHOLE

CUTS = 40

# The last four bytes of a PNG are a checksum. The other formats end with what tells their end.
_CHECKSUM_BYTES = 4


def _read(content: bytes, kind: Kind) -> Reading | None:
    """The reading of a file. None if the file is refused."""
    media = sniff(content[:HEAD_BYTES])
    if media is None:
        return None
    try:
        return read(io.BytesIO(content), media, kind)
    except ResultInvalid:
        return None


# Nothing in a live file tells how long it should be, if the cut lies between two blocks.
@pytest.mark.parametrize("name", [name for name in WHOLE if not name.endswith("from a pipe")])
def test_a_cut_file_is_refused_unless_all_its_pictures_are_there(name: str) -> None:
    kind, make = WHOLE[name]
    content = make()
    whole = _read(content, kind)
    assert whole is not None
    for size in range(1, len(content), max(1, len(content) // CUTS)):
        found = _read(content[:size], kind)
        if found is None:
            continue
        if whole.probe.duration_seconds is None or found.probe.duration_seconds is None:
            assert len(content) - size <= _CHECKSUM_BYTES, f"{size} of {len(content)} bytes"
        else:
            assert found.probe.duration_seconds > whole.probe.duration_seconds - 0.25, f"{size} of {len(content)} bytes"


def test_a_live_file_that_is_cut_within_a_block_is_refused() -> None:
    kind, make = WHOLE["webm from a pipe"]
    content = make()
    sizes = range(len(content) // 2, len(content))
    accepted = [size for size in sizes if _read(content[:size], kind) is not None]
    assert len(accepted) < len(sizes) / 5
