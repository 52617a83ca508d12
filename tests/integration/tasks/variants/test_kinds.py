"""Variants of results, made by a worker's services from real files in a real object store."""

import hashlib
import io
import re
from itertools import pairwise

import av
import pytest
from PIL import Image

from media.cursor import Cursor
from media.iso_files import is_streamable, top_boxes
from schemas.enums import Kind
from schemas.variants import FilePart, VariantError, VariantOrigin, VariantState
from tests.integration.tasks.variants.works import Finished, clip

_X264 = {"preset": "ultrafast"}


@pytest.mark.parametrize(
    ("codec", "form", "sound", "options"),
    [
        ("libx265", "mov", "aac", {"preset": "ultrafast", "x265-params": "log-level=none"}),
        ("libvpx-vp9", "webm", "libopus", {"deadline": "realtime", "cpu-used": "8"}),
        ("libx264", "matroska", "libopus", _X264),
        ("mpeg4", "mov", None, {}),
    ],
    ids=["hevc in mov", "vp9 in webm", "h264 and opus in matroska", "mpeg4 without sound"],
)
def test_web_plays_everywhere_whatever_the_vendor_delivered(
    finished: Finished, codec: str, form: str, sound: str | None, options: dict[str, str]
) -> None:
    work = finished(clip(codec, form, sound=sound, options=options), "web")
    row = work.make()["web"]
    assert (row.state, row.origin) == (VariantState.READY, VariantOrigin.ENCODED), row.error_message
    content = work.content("web")
    (file,) = work.files
    assert (file.size_bytes, file.sha256) == (len(content), hashlib.sha256(content).hexdigest())
    assert is_streamable(Cursor(io.BytesIO(content)))
    with av.open(io.BytesIO(content), "r", format="mov") as container:
        video = container.streams.video[0]
        assert (video.codec_context.codec.canonical_name, video.codec_context.pix_fmt) == ("h264", "yuv420p")
        assert [each.codec_context.codec.canonical_name for each in container.streams.audio] == ["aac"] * bool(sound)
        assert (video.width, video.height) == (file.width, file.height) == (320, 180)
        assert sum(1 for _ in container.decode(video=0)) == 50
    assert file.duration_seconds == pytest.approx(2.0, abs=0.05)
    assert file.frame_rate == pytest.approx(25)


def test_web_copies_streams_that_play_everywhere_and_keeps_the_texts_of_the_file(finished: Finished) -> None:
    work = finished(clip("libx264", "mov", options=_X264, title="a lighthouse"), "web")
    row = work.make()["web"]
    assert (row.state, row.origin) == (VariantState.READY, VariantOrigin.COPIED)
    content = work.content("web")
    assert is_streamable(Cursor(io.BytesIO(content)))
    with av.open(io.BytesIO(content), "r", format="mov") as container:
        assert container.metadata["title"] == "a lighthouse"


def test_a_result_that_is_web_ready_is_its_own_variant(finished: Finished) -> None:
    work = finished(clip("libx264", "mp4", options=_X264, muxer={"movflags": "+faststart"}), "web")
    row = work.make()["web"]
    assert (row.state, row.origin) == (VariantState.READY, VariantOrigin.ORIGINAL)
    assert (work.files, work.objects()) == ([], [])


def test_a_copy_is_trimmed_and_cut_to_its_box(finished: Finished) -> None:
    square = {"name": "square-96", "width": 96, "height": 96, "fit": "cover", "start_seconds": 0.5, "seconds": 1}
    work = finished(clip("libx264", "mp4", options=_X264), square)
    assert work.make()["square-96"].state is VariantState.READY
    (file,) = work.files
    with av.open(io.BytesIO(work.content("square-96")), "r", format="mov") as container:
        frames = list(container.decode(video=0))
    assert (frames[0].width, frames[0].height) == (file.width, file.height) == (96, 96)
    assert len(frames) == 25
    assert file.duration_seconds == pytest.approx(1.0, abs=0.05)


def test_a_preview_is_an_animated_webp(finished: Finished) -> None:
    work = finished(clip("libx264", "mp4", options=_X264), {"kind": "preview", "width": 160, "seconds": 1})
    assert work.make()["preview"].state is VariantState.READY
    (file,) = work.files
    with Image.open(io.BytesIO(work.content("preview")), formats=["WEBP"]) as picture:
        assert picture.size == (file.width, file.height) == (160, 90)
        assert getattr(picture, "n_frames", 1) == 8
    assert file.duration_seconds == pytest.approx(1.0)


def test_sprites_name_places_inside_their_sheet_from_the_beginning_to_the_end(finished: Finished) -> None:
    work = finished(clip("libx264", "mp4", options=_X264, seconds=3), "sprites")
    assert work.make()["sprites"].state is VariantState.READY
    with Image.open(io.BytesIO(work.content("sprites")), formats=["JPEG"]) as sheet:
        sheet.load()
    text = work.content("sprites", FilePart.INDEX).decode()
    assert text.startswith("WEBVTT\n")
    cues = re.findall(r"([\d:.]+) --> ([\d:.]+)\n\{file\}#xywh=(\d+),(\d+),(\d+),(\d+)\n", text)
    assert len(cues) == 12
    assert cues[0][0] == "00:00:00.000"
    assert all(before[1] == after[0] for before, after in pairwise(cues))
    for _, _, left, top, width, height in cues:
        assert (int(width), int(height)) == (160, 90)
        assert int(left) + 160 <= sheet.width
        assert int(top) + 90 <= sheet.height
    assert len({cue[2:4] for cue in cues}) == len(cues)


@pytest.mark.parametrize(("codec", "origin"), [("libx264", "copied"), ("libx265", "encoded")])
def test_the_ranges_of_a_playlist_cover_the_whole_file(finished: Finished, codec: str, origin: str) -> None:
    options = {"preset": "ultrafast", **({} if codec == "libx264" else {"x265-params": "log-level=none"}), "g": "25"}
    work = finished(clip(codec, "mp4", options=options, seconds=10), "hls")
    row = work.make()["hls"]
    assert (row.state, row.origin) == (VariantState.READY, origin), row.error_message
    media, playlist = work.content("hls"), work.content("hls", FilePart.INDEX).decode()
    head = re.search(r'#EXT-X-MAP:URI="\{file\}",BYTERANGE="(\d+)@(\d+)"', playlist)
    segments = re.findall(r"#EXTINF:([\d.]+),\n#EXT-X-BYTERANGE:(\d+)@(\d+)\n\{file\}", playlist)
    assert head is not None
    assert len(segments) == 3
    end = int(head[1])
    for _, length, start in segments:
        assert int(start) == end
        end += int(length)
    assert end == len(media)
    assert sum(float(seconds) for seconds, _, _ in segments) == pytest.approx(10, abs=0.1)
    assert playlist.endswith("#EXT-X-ENDLIST\n")
    # A player decodes any segment with the head alone.
    _, length, start = segments[1]
    part = media[: int(head[1])] + media[int(start) : int(start) + int(length)]
    with av.open(io.BytesIO(part), "r", format="mov") as container:
        assert sum(1 for _ in container.decode(video=0)) == 100


def test_a_turned_video_stands_upright_in_its_variants(finished: Finished) -> None:
    upright = clip("libx264", "mp4", options=_X264, sound=None)
    turned = _rotated(upright)
    work = finished(turned, {"name": "small", "width": 90}, {"kind": "preview", "seconds": 0.5}, "web")
    work.make()
    sizes = {file.content_type: (file.width, file.height) for file in work.files if file.width and file.width <= 90}
    assert sizes["video/mp4"] == (90, 160)
    with av.open(io.BytesIO(work.content("small")), "r", format="mov") as container:
        assert (container.streams.video[0].width, container.streams.video[0].height) == (90, 160)


def test_pictures_have_copies_and_a_webp(finished: Finished) -> None:
    picture = io.BytesIO()
    Image.new("RGBA", (400, 300), (255, 0, 0, 128)).save(picture, "PNG")
    small, cut = {"name": "small", "width": 100}, {"name": "cut", "width": 50, "height": 50, "fit": "cover"}
    jpeg = {"name": "plain", "width": 200, "format": "jpeg"}
    work = finished(picture.getvalue(), "web", small, cut, jpeg, kind=Kind.IMAGE)
    rows = work.make()
    assert {row.state for row in rows.values()} == {VariantState.READY}
    expected = {
        "web": ("WEBP", (400, 300)),
        "small": ("PNG", (100, 75)),
        "cut": ("PNG", (50, 50)),
        "plain": ("JPEG", (200, 150)),
    }
    for name, (form, size) in expected.items():
        with Image.open(io.BytesIO(work.content(name))) as made:
            made.load()
            assert (made.format, made.size) == (form, size), name


def test_a_signed_statement_of_origin_stays_in_the_result_alone(finished: Finished) -> None:
    # The box of C2PA in ISO files, behind `ftyp` (C2PA 2.1, "Embedding manifests into BMFF-based assets").
    plain = clip("libx264", "mov", options=_X264)
    ftyp = int.from_bytes(plain[:4])
    manifest = bytes.fromhex("d8fec3d61b0e483c92975828877ec481") + b"\0\0\0\0manifest\0" + b"a signed statement"
    box = (8 + len(manifest)).to_bytes(4) + b"uuid" + manifest
    marked = _shifted(plain, ftyp, box)
    work = finished(marked, "web")
    assert work.make()["web"].origin is VariantOrigin.COPIED
    kinds = [each.kind for each in top_boxes(Cursor(io.BytesIO(work.content("web"))))]
    assert b"uuid" not in kinds
    result = work.life.assets[0]
    assert work.life.worker.objects.read_range(result.object_key, 0, result.size_bytes) == marked


def test_a_part_that_the_video_does_not_have_is_told(finished: Finished) -> None:
    work = finished(clip("libx264", "mp4", options=_X264), {"name": "late", "start_seconds": 60})
    row = work.make()["late"]
    assert (row.state, row.error_code) == (VariantState.FAILED, VariantError.NOT_POSSIBLE)
    assert "60 s" in (row.error_message or "")
    assert work.objects() == []


def _rotated(content: bytes) -> bytes:
    output = io.BytesIO()
    with av.open(io.BytesIO(content), "r", format="mov") as source, av.open(output, "w", format="mp4") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        stream.set_display_rotation(90)
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                target.mux(packet)
    return output.getvalue()


def _shifted(content: bytes, at: int, box: bytes) -> bytes:
    """The file with a box in front of its samples. The table, which names their places, follows the samples."""
    moved = bytearray(content[:at] + box + content[at:])
    position = moved.find(b"stco")
    while position >= 0:
        count = int.from_bytes(moved[position + 8 : position + 12])
        for entry in range(count):
            start = position + 12 + 4 * entry
            moved[start : start + 4] = (int.from_bytes(moved[start : start + 4]) + len(box)).to_bytes(4)
        position = moved.find(b"stco", position + 4)
    return bytes(moved)
