"""The variants of videos that show pictures of them: previews and sprite sheets."""

import io
import math
from collections.abc import Iterator
from fractions import Fraction
from typing import BinaryIO

import av
from av.video.frame import VideoFrame
from PIL import Image

from media.variants.filters import Pictures
from media.variants.recipes import FILE_URI, Job, Made
from media.variants.sink import Sink, sha256_of, size_of
from media.variants.sizes import place
from media.variants.sources import Source, opened
from schemas.errors import ResultInvalid
from schemas.media_types import JPEG, WEBP, MediaType
from schemas.variants import VTT_TYPE

PREVIEW_WIDTH = 320
PREVIEW_SECONDS = 3.0
_PREVIEW_RATE = 8
_PREVIEW_QUALITY = 60
# A picture may come later than its time in a preview: by this part of the gap.
_EARLY = 0.25
_LONGEST_PREVIEW = 10.0
_MILLISECONDS = 1000

SPRITE_WIDTH = 160
_MOST_SPRITES = 100
_SPRITES_IN_A_ROW = 10
_SHORTEST_SPRITE = 0.25
_SPRITE_QUALITY = 80
# Pictures that are further apart than this are found by seeking: decoding all between them takes longer.
_SEEK_SECONDS = 5.0


def preview(file: BinaryIO, media: MediaType, job: Job, descriptor: int) -> Made:
    """A short animated WebP without sound.

    Raises:
        ResultInvalid: the result cannot be decoded, or has no such part.
    """
    seconds = min(job.seconds or PREVIEW_SECONDS, _LONGEST_PREVIEW)
    with opened(file, media, threads=job.threads) as source:
        placed = place(source.size, job.width or PREVIEW_WIDTH, job.height, job.fit, step=2)
        pictures = Pictures(placed, source.turn, pixels="yuv420p")
        width, height = placed.cut
        sink = Sink(descriptor, "preview.webp")
        shown = 0
        with av.open(sink, "w", format="webp", options={"loop": "0"}) as output:
            stream = output.add_stream("libwebp_anim", rate=_PREVIEW_RATE, width=width, height=height)
            stream.pix_fmt = "yuv420p"
            stream.codec_context.time_base = Fraction(1, _MILLISECONDS)
            stream.codec_context.options = {"quality": str(_PREVIEW_QUALITY)}
            for at, frame in _at_rate(source, job.start_seconds, seconds):
                made = pictures.convert(frame)
                made.pts, made.time_base = round(at * _MILLISECONDS), Fraction(1, _MILLISECONDS)
                output.mux(stream.encode(made))
                shown += 1
            if not shown:
                raise ResultInvalid(f"there is no picture after {job.start_seconds:g} s of the video")
            output.mux(stream.encode(None))
    return Made(
        WEBP.content_type, width, height, WEBP.codec, size_of(descriptor), sha256_of(descriptor),
        duration_seconds=shown / _PREVIEW_RATE, frame_rate=float(_PREVIEW_RATE),
    )  # fmt: skip


def _at_rate(source: Source, start: float, seconds: float) -> Iterator[tuple[float, VideoFrame]]:
    """The picture that is shown at each time of a preview, with this time."""
    number, shown = 0, None
    for at, frame in _pictures_of(source, start, seconds):
        while shown is not None and at > (number + _EARLY) / _PREVIEW_RATE:
            yield number / _PREVIEW_RATE, shown
            number += 1
        shown = frame
    end = min(seconds, source.seconds_of_pictures - start)
    while shown is not None and (number == 0 or number + _EARLY < end * _PREVIEW_RATE):
        yield number / _PREVIEW_RATE, shown
        number += 1


def _pictures_of(source: Source, start: float, seconds: float | None) -> Iterator[tuple[float, VideoFrame]]:
    for at, frame in source.frames(start, seconds, with_sound=False):
        if isinstance(frame, VideoFrame):
            yield at, frame


def sprites(file: BinaryIO, media: MediaType, job: Job, descriptor: int) -> tuple[Made, str]:
    """A sheet of pictures of a video as a JPEG, and WebVTT with the times and places of the pictures.

    Raises:
        ResultInvalid: the result cannot be decoded.
    """
    with opened(file, media, threads=job.threads) as source:
        duration = source.seconds_of_pictures
        placed = place(source.size, job.width or SPRITE_WIDTH, job.height, job.fit, step=2)
        width, height = placed.cut
        count = max(1, min(_MOST_SPRITES, math.ceil(duration / _interval_wanted(duration))))
        gap = duration / count
        pictures = Pictures(placed, source.turn, pixels="rgb24")
        columns = min(count, _SPRITES_IN_A_ROW)
        sheet = Image.new("RGB", (columns * width, math.ceil(count / columns) * height))
        shown = 0
        for number, frame in _every(source, gap, count):
            picture = pictures.convert(frame).to_image()  # type: ignore[no-untyped-call]  # PyAV has no types here
            sheet.paste(picture, (number % columns * width, number // columns * height))
            shown = max(shown, number + 1)
        if not shown:
            raise ResultInvalid("no picture of the video can be decoded")
        content = io.BytesIO()
        sheet.save(content, "JPEG", quality=_SPRITE_QUALITY)
        Sink(descriptor).write(content.getvalue())
        index = _vtt(shown, columns, (width, height), gap, duration)
    made = Made(
        JPEG.content_type, *sheet.size, JPEG.codec, size_of(descriptor), sha256_of(descriptor), index_type=VTT_TYPE
    )
    return made, index


def _interval_wanted(duration: float) -> float:
    """Short videos have more pictures in a second."""
    return max(_SHORTEST_SPRITE, min(1.0, duration / 20))


def _every(source: Source, gap: float, count: int) -> Iterator[tuple[int, VideoFrame]]:
    """The picture of each interval, with its number. The last picture serves intervals without one."""
    if gap >= _SEEK_SECONDS:
        found = None
        for number in range(count):
            found = next((frame for _, frame in _pictures_of(source, number * gap, None)), found)
            if found is not None:
                yield number, found
        return
    number, last = 0, None
    for at, frame in _pictures_of(source, 0.0, None):
        while number < count and at >= number * gap - _ROUNDING:
            yield number, frame
            number += 1
        last = frame
        if number == count:
            return
    while last is not None and number < count:
        yield number, last
        number += 1


_ROUNDING = 0.001


def _vtt(count: int, columns: int, size: tuple[int, int], gap: float, duration: float) -> str:
    width, height = size
    lines = ["WEBVTT", ""]
    for number in range(count):
        end = duration if number == count - 1 else (number + 1) * gap
        place_of = f"{number % columns * width},{number // columns * height},{width},{height}"
        lines += [f"{_clock(number * gap)} --> {_clock(end)}", f"{FILE_URI}#xywh={place_of}", ""]
    return "\n".join(lines)


def _clock(seconds: float) -> str:
    milliseconds = round(seconds * _MILLISECONDS)
    hours, rest = divmod(milliseconds, 3600 * _MILLISECONDS)
    minutes, rest = divmod(rest, 60 * _MILLISECONDS)
    whole, rest = divmod(rest, _MILLISECONDS)
    return f"{hours:02}:{minutes:02}:{whole:02}.{rest:03}"
