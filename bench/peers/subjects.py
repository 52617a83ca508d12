"""All peers that do the complete work of Reelworks."""

from collections.abc import Sequence
from typing import Final

from bench.peers.dbos_peer.subject import DBOS
from bench.peers.plain_celery.subject import PLAIN_CELERY
from bench.peers.procrastinate_peer.subject import PROCRASTINATE
from bench.subjects.protocols import Subject

PEERS: Final[Sequence[Subject]] = (PLAIN_CELERY, DBOS, PROCRASTINATE)
