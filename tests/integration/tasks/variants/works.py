"""Generations with variants, whose results are files of a test."""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
from av.audio.stream import AudioStream
from av.video.stream import VideoStream
from sqlmodel import col, select

from schemas.enums import Kind
from schemas.variant_tables import Variant, VariantFile
from schemas.variants import FilePart
from storage.variants import claims
from tasks import variants
from tests.integration.tasks.conftest import Life

SOUND_RATE = 48_000


def clip(
    codec: str, form: str, *, seconds: float = 2.0, size: tuple[int, int] = (320, 180), sound: str | None = "aac",
    rate: int = 25, muxer: dict[str, str] | None = None, options: dict[str, str] | None = None, title: str = "",
) -> bytes:  # fmt: skip
    """A video with moving pictures and a tone."""
    width, height = size
    pictures, tones = _graph(f"testsrc2:size={width}x{height}:rate={rate}"), _tone()
    # A file with a name: for some options the muxer reads its own output.
    with (
        tempfile.NamedTemporaryFile() as output,
        av.open(output.name, "w", format=form, options=muxer or {}) as container,
    ):
        if title:
            container.metadata["title"] = title
        video = container.add_stream(codec, rate=rate, width=width, height=height, options=options or {})
        assert isinstance(video, VideoStream)
        video.pix_fmt = "yuv420p"
        audio = container.add_stream(sound, rate=SOUND_RATE) if sound else None
        assert audio is None or isinstance(audio, AudioStream)
        samples = 0
        for number in range(round(seconds * rate)):
            frame = pictures.pull()
            assert isinstance(frame, av.VideoFrame)
            frame.pts, frame.time_base = number, Fraction(1, rate)
            container.mux(video.encode(frame))
            while audio is not None and samples < (number + 1) * SOUND_RATE / rate:
                tone = tones.pull()
                assert isinstance(tone, av.AudioFrame)
                container.mux(audio.encode(tone))
                samples += tone.samples
        container.mux(video.encode(None))
        if audio is not None:
            container.mux(audio.encode(None))
        container.close()
        return Path(output.name).read_bytes()


def _graph(source: str) -> av.filter.Graph:
    graph = av.filter.Graph()
    name, _, arguments = source.partition(":")
    last = graph.add(name, arguments)
    for following in (graph.add("format", "yuv420p"), graph.add("buffersink")):
        last.link_to(following)
        last = following
    graph.configure()
    return graph


def _tone() -> av.filter.Graph:
    graph = av.filter.Graph()
    last = graph.add("sine", f"frequency=440:sample_rate={SOUND_RATE}")
    for following in (graph.add("aformat", "sample_fmts=fltp:channel_layouts=stereo"), graph.add("abuffersink")):
        last.link_to(following)
        last = following
    graph.configure()
    return graph


@dataclass
class Work:
    """The variants of a generation, with methods to make them and to read their rows."""

    life: Life

    @property
    def rows(self) -> dict[str, Variant]:
        """The variants, by name."""
        with self.life.database.transaction() as session:
            rows = session.exec(select(Variant).where(Variant.generation_id == self.life.id)).all()
        return {row.name: row for row in rows}

    @property
    def files(self) -> list[VariantFile]:
        """The files of all variants that are not given up."""
        with self.life.database.transaction() as session:
            return list(
                session.exec(
                    select(VariantFile).where(
                        VariantFile.generation_id == self.life.id, col(VariantFile.expired_at).is_(None)
                    )
                )
            )

    def make(self) -> dict[str, Variant]:
        """Make what is due, as wake-ups do. Returns the rows."""
        variants.run(self.life.worker)
        return self.rows

    def content(self, name: str, part: FilePart = FilePart.MEDIA) -> bytes:
        """The bytes of a file."""
        row = self.rows[name]
        file = next(file for file in self.files if file.variant_id == row.id and file.part is part)
        return self.life.worker.objects.read_range(file.object_key, 0, file.size_bytes)

    def objects(self) -> list[str]:
        """The keys of all objects of the customer's variants."""
        found = self.life.worker.objects.list(f"{claims.PREFIX}{self.life.customer.id}/")
        return [each.key for each in found]


Finished = Callable[..., Work]

ORDERS: dict[Kind, dict[str, object]] = {
    Kind.IMAGE: {"model": "nano-banana", "output_format": "png"},
    Kind.VIDEO: {"model": "kling-2.6-text-to-video", "duration_seconds": 5, "aspect_ratio": "16:9"},
}
