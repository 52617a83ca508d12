from datetime import datetime
from typing import NamedTuple, TextIO

class Message(NamedTuple):
    type: str
    data: bytes | str
    time: datetime
    name: str | None
    colour: str | None

class Printer:
    width: int
    def __init__(self, output: TextIO = ...) -> None: ...
    def write(self, message: Message) -> None: ...
