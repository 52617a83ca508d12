"""Reads server-sent events, by the rules of the HTML standard."""

from dataclasses import dataclass, field


@dataclass
class Messages:
    """The messages of one connection, from its bytes."""

    last_id: str = ""
    """The id to resume from."""
    retry_seconds: float | None = None
    """The pause before the next connection, as the server asks for."""
    _rest: bytes = b""
    _id: str = ""
    _data: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._id = self.last_id

    def feed(self, piece: bytes) -> list[str]:
        """The data of the messages that these bytes complete. Their ids are in `last_id` at the end."""
        lines = (self._rest + piece).splitlines(keepends=True)
        # A carriage return at the end may be half of a line's end.
        self._rest = lines.pop() if lines and not lines[-1].endswith(b"\n") else b""
        return [data for line in lines if (data := self._read(line.decode().rstrip("\r\n"))) is not None]

    def _read(self, line: str) -> str | None:
        if not line:
            return self._complete()
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            self._data.append(value)
        elif name == "id":
            self._id = value
        elif name == "retry" and value.isdecimal():
            self.retry_seconds = int(value) / 1000
        return None

    def _complete(self) -> str | None:
        self.last_id = self._id
        data, self._data = self._data, []
        return "\n".join(data) if data else None
