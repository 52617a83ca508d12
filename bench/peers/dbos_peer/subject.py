"""DBOS as a subject."""

from collections.abc import Sequence
from typing import Final

from bench.peers.peer import Part, Peer, uvicorn
from bench.peers.setup import Setup

_PACKAGE = "bench.peers.dbos_peer"


def _parts(setup: Setup, processes: int) -> Sequence[Part]:
    workers = [Part(f"worker-{number}", ("-m", f"{_PACKAGE}.worker")) for number in range(1, processes + 1)]
    return [uvicorn(setup, f"{_PACKAGE}.door:app"), *workers]


DBOS: Final = Peer("DBOS", ("callback", "poll"), _parts, migrate=("-m", f"{_PACKAGE}.migrate"))
