"""Frames of a synthetic picture: a moving gradient, or a slow pan over a given image, with the sandbox's mark."""

import colorsys
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
from av.filter import Graph
from av.filter.context import FilterContext

from sandbox.banner import WIDTH as BANNER_WIDTH
from sandbox.banner import banner


@dataclass(frozen=True, kw_only=True)
class Footage:
    """Describes frames. Equal footage gives equal frames."""

    width: int
    """Pixels."""
    height: int
    """Pixels."""
    frame_rate: Fraction
    """Frames a second."""
    count: int
    """The number of frames."""
    seed: str
    """The seed of the colours."""
    source: Path | None = None
    """The image to start from, cut to fill the frame."""


class UnreadableImage(Exception):
    """The file has no picture that the decoder can read."""


def frames(footage: Footage, pixel_format: str) -> Iterator[av.VideoFrame]:
    """The frames in order, one in memory at a time. Raises `UnreadableImage` for a bad source image."""
    stills = [banner()] if footage.source is None else [banner(), first_frame(footage.source)]
    graph = Graph()
    graph.threads = 1
    inputs = [_still_input(graph, still) for still in stills]
    backdrop = _gradient(graph, footage) if footage.source is None else _pan(graph, footage, inputs[1])
    _chain(
        _marked(graph, footage, backdrop, inputs[0]),
        graph.add("format", f"pix_fmts={pixel_format}"),
        graph.add("buffersink"),
    )
    graph.configure()
    for still_input, still in zip(inputs, stills, strict=True):
        still_input.push(still)
        still_input.push(None)
    for index in range(footage.count):
        frame = graph.vpull()
        frame.pts = index
        frame.time_base = 1 / footage.frame_rate
        yield frame


def first_frame(path: Path) -> av.VideoFrame:
    """The picture in an image file. Raises `UnreadableImage`."""
    try:
        with av.open(path) as container:
            frame = next(container.decode(video=0))
    except (av.FFmpegError, IndexError, StopIteration) as error:
        raise UnreadableImage(f"{path.name} holds no picture: {error}") from error
    frame.pts = 0
    return frame


def _gradient(graph: Graph, footage: Footage) -> FilterContext:
    digest = hashlib.sha256(footage.seed.encode()).digest()
    colours = ":".join(f"c{i}={_colour(digest[i], digest[i + 3])}" for i in range(3))
    # The gradient is drawn at half the size: enlarging costs a quarter of drawing, and the result looks the same.
    width, height = footage.width // 2, footage.height // 2
    return _chain(
        graph.add(
            "gradients",
            f"size={width}x{height}:rate={footage.frame_rate}:nb_colors=3:{colours}"
            f":x0=0:y0=0:x1={width - 1}:y1={height - 1}:seed=0:speed=0.02",
        ),
        graph.add("scale", f"{footage.width}:{footage.height}:flags=bilinear"),
        graph.add("setsar", "1"),
    )


def _colour(hue: int, shade: int) -> str:
    red, green, blue = colorsys.hsv_to_rgb(hue / 256, 0.7, 0.5 + shade / 512)
    return f"0x{round(red * 255):02x}{round(green * 255):02x}{round(blue * 255):02x}"


def _pan(graph: Graph, footage: Footage, still: FilterContext) -> FilterContext:
    """Scale the image to 110 % of the frame and move a window across it, from corner to corner."""
    size = f"{footage.width * 11 // 10}:{footage.height * 11 // 10}"
    travel = f"x='(in_w-out_w)*n/{footage.count}':y='(in_h-out_h)*n/{footage.count}'"
    return _chain(
        still,
        graph.add("scale", f"{size}:force_original_aspect_ratio=increase"),
        graph.add("setsar", "1"),
        graph.add("loop", "loop=-1:size=1"),
        graph.add("setpts", f"N/({footage.frame_rate}*TB)"),
        graph.add("crop", f"{footage.width}:{footage.height}:{travel}"),
    )


def _marked(graph: Graph, footage: Footage, backdrop: FilterContext, mark: FilterContext) -> FilterContext:
    scale = max(1, footage.width // (3 * BANNER_WIDTH))
    enlarged = _chain(mark, graph.add("scale", f"iw*{scale}:ih*{scale}:flags=neighbor"))
    overlay = graph.add("overlay", f"x={4 * scale}:y=main_h-overlay_h-{4 * scale}")
    backdrop.link_to(overlay, 0, 0)
    enlarged.link_to(overlay, 0, 1)
    return overlay


def _still_input(graph: Graph, still: av.VideoFrame) -> FilterContext:
    return graph.add_buffer(width=still.width, height=still.height, format=still.format, time_base=Fraction(1, 1000))


def _chain(*filters: FilterContext) -> FilterContext:
    for before, after in pairwise(filters):
        before.link_to(after)
    return filters[-1]
