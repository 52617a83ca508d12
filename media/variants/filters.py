"""Filters of FFmpeg that bring pictures upright and to a size."""

from fractions import Fraction

import av
from av.filter import Graph
from av.video.frame import VideoFrame
from PIL.Image import Transpose

from media.variants.sizes import Placed

# transpose: 0 turns about the main diagonal, 1 clockwise, 2 counterclockwise, 3 about the other diagonal.
_TURNS: dict[Transpose, list[tuple[str, str]]] = {
    Transpose.FLIP_LEFT_RIGHT: [("hflip", "")],
    Transpose.FLIP_TOP_BOTTOM: [("vflip", "")],
    Transpose.ROTATE_180: [("hflip", ""), ("vflip", "")],
    Transpose.ROTATE_270: [("transpose", "1")],
    Transpose.ROTATE_90: [("transpose", "2")],
    Transpose.TRANSPOSE: [("transpose", "0")],
    Transpose.TRANSVERSE: [("transpose", "3")],
}


class Pictures:
    """Turns, scales and cuts pictures of one video."""

    def __init__(self, placed: Placed, turn: Transpose | None, *, pixels: str) -> None:
        """Prepare the filters.

        Args:
            pixels: FFmpeg's name of the pixel format of the new pictures.
        """
        (width, height), (cut_width, cut_height) = placed.scaled, placed.cut
        self._steps = [*(_TURNS[turn] if turn else []), ("scale", f"{width}:{height}:flags=bicubic")]
        if placed.cut != placed.scaled:
            self._steps.append(("crop", f"{cut_width}:{cut_height}"))
        self._steps += [("setsar", "1"), ("format", pixels)]
        self._shape: tuple[int, int, str] | None = None
        self._graph = Graph()

    def convert(self, frame: VideoFrame) -> VideoFrame:
        """The picture in its new form."""
        shape = frame.width, frame.height, frame.format.name
        if shape != self._shape:
            # A stream may change its size.
            self._graph, self._shape = self._built(frame), shape
        self._graph.push(frame)
        made = self._graph.pull()
        if not isinstance(made, VideoFrame):
            raise TypeError("the filters make pictures")
        return made

    def _built(self, frame: VideoFrame) -> Graph:
        graph = Graph()
        graph.threads = 1
        last = graph.add_buffer(
            width=frame.width, height=frame.height, format=frame.format, time_base=frame.time_base or _MICROSECOND
        )
        for name, arguments in self._steps:
            following = graph.add(name, arguments or None)
            last.link_to(following)
            last = following
        last.link_to(graph.add("buffersink"))
        graph.configure()
        return graph


_MICROSECOND = Fraction(1, av.time_base)
