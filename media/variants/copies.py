"""Copies encoded pictures and sound into another file, and checks that the other file has them all."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from av.container import InputContainer, OutputContainer
from av.packet import Packet
from av.stream import Stream

from media.containers import open_container
from media.variants.sink import Sink
from media.variants.sources import Source
from schemas.media_types import MP4

# The length of one picture at the highest usual rate.
_STEP_SECONDS = 1 / 60
# More packets than these before the first time of decoding are no usual file.
_MOST_WAITING = 500


class NotCopied(Exception):
    """The streams cannot be copied without loss. Encoding needs less of a file."""


@dataclass
class _Track:
    """The packets of one stream."""

    count: int = 0
    """The number of packets."""
    first: float = 0.0
    """The first time, in seconds."""
    last: float = 0.0
    """The last time, in seconds."""

    def add(self, packet: "Packet[Stream]") -> None:
        """Count a packet."""
        at = float((packet.pts or 0) * packet.time_base)
        self.first, self.last = (min(self.first, at), max(self.last, at)) if self.count else (at, at)
        self.count += 1


@dataclass
class Tally:
    """What a player gets from a file: the pictures and the packets of sound, with their times."""

    pictures: _Track = field(default_factory=_Track)
    """The shown pictures."""
    sound: _Track = field(default_factory=_Track)
    """The sound, with the packets that prepare its decoder. Empty: there is none."""

    def add(self, packet: "Packet[Stream]") -> None:
        """Count a packet, but no picture that an edit list hides."""
        if packet.stream.type != "video":
            self.sound.add(packet)
        elif not packet.is_discard:
            self.pictures.add(packet)

    def is_same(self, other: "Tally") -> bool:
        """Whether the other file has as many packets, at the same times after its first picture."""
        times = zip(self.times, other.times, strict=False)
        return self.counts == other.counts and all(abs(one - another) < _STEP_SECONDS for one, another in times)

    @property
    def counts(self) -> tuple[int, int]:
        """The numbers of pictures and of packets of sound."""
        return self.pictures.count, self.sound.count

    @property
    def times(self) -> list[float]:
        """The first and the last time of pictures and sound, in seconds from the first picture."""
        tracks = [self.pictures, self.sound] if self.sound.count else [self.pictures]
        return [at - self.pictures.first for track in tracks for at in (track.first, track.last)]


def copy_streams(source: Source, output: OutputContainer) -> Tally:
    """Copy the encoded pictures and sound, and the texts of the file, such as its title. Returns what the source has.

    Raises:
        NotCopied: the packets have too few times.
    """
    tally = Tally()
    output.metadata.update(source.container.metadata)
    streams = [source.video] if source.audio is None else [source.video, source.audio]
    copies = {stream.index: output.add_stream_from_template(stream) for stream in streams}
    for packet in _with_times(source.container.demux(streams)):
        tally.add(packet)
        packet.stream = copies[packet.stream.index]
        output.mux(packet)
    return tally


def require_all(tally: Tally, descriptor: int) -> None:
    """Read a copy, and compare it with its source.

    Raises:
        NotCopied: pictures or sounds are missing, or are at other times.
    """
    with open_container(Sink(descriptor).file, MP4, {}) as container:
        if not tally.is_same(_tally_of(container)):
            raise NotCopied


def _tally_of(container: InputContainer) -> Tally:
    tally = Tally()
    for packet in container.demux():
        if packet.size:
            tally.add(packet)
    return tally


def _with_times(packets: "Iterable[Packet[Stream]]") -> "Iterator[Packet[Stream]]":
    """The packets that have contents, each with a time of decoding.

    Matroska has times of showing alone. FFmpeg derives those of decoding, but not for the first pictures where pictures
    are stored in another order than they are shown.
    """
    waiting: list[Packet[Stream]] = []
    known: set[int] = set()
    for packet in packets:
        if not packet.size:
            continue
        if packet.pts is None or (packet.dts is None and packet.stream.index in known):
            raise NotCopied
        if packet.dts is not None and packet.stream.index not in known:
            known.add(packet.stream.index)
            _count_down(packet.dts, [each for each in waiting if each.stream.index == packet.stream.index])
        waiting.append(packet)
        if all(each.dts is not None for each in waiting):
            yield from waiting
            waiting.clear()
        elif len(waiting) > _MOST_WAITING:
            raise NotCopied
    if waiting:
        raise NotCopied


def _count_down(following: int, packets: "list[Packet[Stream]]") -> None:
    """Give packets times of decoding before a known one. No packet is shown before it is decoded."""
    for packet in reversed(packets):
        following = min(following - max(1, packet.duration or 0), following - 1 if packet.pts is None else packet.pts)
        packet.dts = following
