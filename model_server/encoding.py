"""Writes results: H.264 in MP4 for videos, PNG for images. The same frames give the same bytes."""

import hashlib
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from model_server.jobs import ResultFile

_PART_BYTES = 2**20

# Without x264's macroblock tree: its code for AVX-512 made three different files in 25 encodings of the same frames.
# Without the tree, all 25 are equal (x264 core 165). Files get about a tenth larger.
_ENCODER = {"crf": "18", "preset": "medium", "x264-params": "mbtree=0"}


def write_video(path: Path, frames: Sequence[Image.Image], *, fps: int, comment: str, threads: int) -> ResultFile:
    """Write an MP4 that every player plays: H.264, yuv420p, with the table of contents first.

    Args:
        frames: RGB pictures of one size, an even number of pixels wide and high.
        comment: stands in the file's metadata.
        threads: the encoder's. The bytes depend on the number.
    """
    width, height = frames[0].size
    with av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"}) as container:
        container.metadata["comment"] = comment
        stream = container.add_stream("libx264", rate=Fraction(fps), options={**_ENCODER, "threads": str(threads)})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for frame in frames:
            picture = av.VideoFrame.from_image(frame.convert("RGB"))  # type: ignore[no-untyped-call]
            container.mux(stream.encode(picture))
        container.mux(stream.encode())
    return _facts(path, "video/mp4", width, height, len(frames), fps)


def write_image(path: Path, image: Image.Image, *, comment: str) -> ResultFile:
    """Write a PNG with a comment in its metadata."""
    notes = PngInfo()
    notes.add_text("Comment", comment)
    image.convert("RGB").save(path, "PNG", pnginfo=notes)
    return _facts(path, "image/png", image.width, image.height, None, None)


def _facts(path: Path, content_type: str, width: int, height: int, frames: int | None, fps: int | None) -> ResultFile:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while part := file.read(_PART_BYTES):
            digest.update(part)
    return ResultFile(content_type, path.stat().st_size, digest.hexdigest(), width, height, frames, fps)
