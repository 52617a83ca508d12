"""Sizes and times of variants beside ffmpeg's own binary: `python -m bench.variants --ffmpeg PATH`.

The clips have 10 s of 1920x1080 and a tone. Reelworks makes each variant in a process of the decoder, with the limits
of the settings; ffmpeg gets the same encoders with the same settings. Each time is the best of three.
"""

import argparse
import hashlib
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO, cast

from rich.console import Console
from rich.table import Table

from media import decoder
from media.decoder import Limits
from media.variants.recipes import Job, Recipe
from schemas.enums import Kind
from schemas.media_types import MOV, MP4, MediaType
from schemas.variant_settings import VariantSettings

_ROUNDS = 3
_SETTINGS = VariantSettings()
_LIMITS = Limits(_SETTINGS.memory_bytes, _SETTINGS.seconds)
_THREADS = str(_SETTINGS.threads)
_SOURCE = (
    "-f", "lavfi", "-i", "testsrc2=size=1920x1080:rate=25:duration=10",
    "-f", "lavfi", "-i", "sine=frequency=440:duration=10",
    "-pix_fmt", "yuv420p", "-c:a", "aac",
)  # fmt: skip
_X264 = ("-c:v", "libx264", "-preset", "veryfast", "-crf", "21", "-profile:v", "high", "-pix_fmt", "yuv420p")
_ENCODE = (*_X264, "-g", "50", "-threads", _THREADS)
_AAC = ("-c:a", "aac", "-b:a", "128k", "-ar", "48000", "-ac", "2")
_FASTSTART = ("-movflags", "+faststart")
_SQUARE = "scale=480:480:force_original_aspect_ratio=increase:flags=bicubic,crop=480:480,setsar=1"


@dataclass(frozen=True)
class Case:
    """One variant, and the command that makes the same with ffmpeg."""

    name: str
    """The name in the table."""
    source: str
    """The clip: `h264` or `hevc`."""
    job: Job
    """The variant."""
    before: Sequence[str]
    """The arguments of ffmpeg before its input."""
    arguments: Sequence[str]
    """The arguments of ffmpeg after its input."""
    output: str
    """The name of ffmpeg's file."""


def _job(recipe: Recipe, **fields: object) -> Job:
    return Job(recipe, Kind.VIDEO, threads=_SETTINGS.threads, **fields)  # type: ignore[arg-type]  # names of this file


_SQUARE_JOB = _job(Recipe.COPY, width=480, height=480, fit="cover", start_seconds=1.0, seconds=3.0)
CASES = (
    Case("web, from HEVC in MOV: encoded", "hevc", _job(Recipe.WEB), (), (*_ENCODE, *_AAC, *_FASTSTART), "web.mp4"),
    Case("web, from H.264 in MP4: copied", "h264", _job(Recipe.WEB), (), ("-c", "copy", *_FASTSTART), "copied.mp4"),
    Case(
        "copy, 480x480, 3 s", "h264", _SQUARE_JOB, ("-ss", "1"),
        ("-t", "3", "-vf", _SQUARE, *_ENCODE, *_AAC, *_FASTSTART), "square.mp4",
    ),
    Case(
        "preview, 320 wide, 3 s", "h264", _job(Recipe.PREVIEW), (),
        ("-t", "3", "-an", "-vf", "fps=8,scale=320:-2:flags=bicubic", "-c:v", "libwebp_anim", "-quality", "60",
         "-loop", "0"), "preview.webp",
    ),
    Case(
        "sprites, 20 of 160x90", "h264", _job(Recipe.SPRITES), (),
        ("-an", "-vf", "fps=2,scale=160:90:flags=bicubic,tile=10x2", "-frames:v", "1", "-q:v", "5"), "sprites.jpg",
    ),
    Case(
        "hls, from HEVC in MOV: encoded", "hevc", _job(Recipe.HLS), (),
        (*_ENCODE, "-force_key_frames", "expr:gte(t,n_forced*2)", *_AAC, "-f", "hls", "-hls_segment_type", "fmp4",
         "-hls_flags", "single_file", "-hls_time", "4", "-hls_playlist_type", "vod"), "hls.m3u8",
    ),
    Case(
        "hls, from H.264 in MP4: copied", "h264", _job(Recipe.HLS), (),
        ("-c", "copy", "-f", "hls", "-hls_segment_type", "fmp4", "-hls_flags", "single_file", "-hls_time", "4",
         "-hls_playlist_type", "vod"), "copied.m3u8",
    ),
)  # fmt: skip


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.variants", description=__doc__)
    parser.add_argument("--ffmpeg", required=True, help="ffmpeg's binary, such as that of the wheel imageio-ffmpeg")
    ffmpeg: str = parser.parse_args().ffmpeg
    table = Table("variant", "bytes", "seconds", "ffmpeg's bytes", "ffmpeg's seconds", title=_version(ffmpeg))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        clips = {
            "h264": (folder / "clip.mp4", MP4, ("-c:v", "libx264", "-preset", "veryfast", "-g", "50")),
            "hevc": (folder / "clip.mov", MOV, ("-c:v", "libx265", "-preset", "ultrafast", "-tag:v", "hvc1")),
        }
        for path, _, codec in clips.values():
            _run(ffmpeg, [*_SOURCE, *codec, str(path)])
        decoder.start()
        for case in CASES:
            path, media, _ = clips[case.source]
            ours = _best(partial(_ours, path, media, case.job))
            theirs = _best(partial(_theirs, ffmpeg, case, path, folder))
            table.add_row(case.name, f"{ours[0]:,}", f"{ours[1]:.2f}", f"{theirs[0]:,}", f"{theirs[1]:.2f}")
    Console(width=140).print(table)


def _best(measure: Callable[[], tuple[int, float]]) -> tuple[int, float]:
    """The size, and the shortest time of some rounds."""
    found = [measure() for _ in range(_ROUNDS)]
    return found[0][0], min(seconds for _, seconds in found)


def _ours(path: Path, media: MediaType, job: Job) -> tuple[int, float]:
    size_bytes, began = path.stat().st_size, time.perf_counter()
    with path.open("rb") as file, tempfile.TemporaryFile() as output:
        made, index = decoder.make(
            file, media, job, _LIMITS, size_bytes=size_bytes, output=cast("BinaryIO", output),
            output_bytes=_SETTINGS.max_bytes,
        )  # fmt: skip
        seconds = time.perf_counter() - began
        output.seek(0)
        if hashlib.sha256(output.read()).hexdigest() != made.sha256:
            raise RuntimeError("the file is not the one that was told")
    return made.size_bytes + len(index or ""), seconds


def _theirs(ffmpeg: str, case: Case, path: Path, folder: Path) -> tuple[int, float]:
    target = folder / "theirs"
    target.mkdir(exist_ok=True)
    for old in target.iterdir():
        old.unlink()
    began = time.perf_counter()
    _run(ffmpeg, [*case.before, "-threads", _THREADS, "-i", str(path), *case.arguments, str(target / case.output)])
    return sum(made.stat().st_size for made in target.iterdir()), time.perf_counter() - began


def _run(ffmpeg: str, arguments: Sequence[str]) -> None:
    command = [ffmpeg, "-hide_banner", "-nostdin", "-loglevel", "error", "-y", *arguments]
    subprocess.run(command, check=True)


def _version(ffmpeg: str) -> str:
    told = subprocess.run([ffmpeg, "-version"], check=True, capture_output=True, text=True)
    return " ".join(told.stdout.split()[:3])


if __name__ == "__main__":
    main()
