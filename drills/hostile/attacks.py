"""Every attack."""

from drills.hostile.bodies import BODIES
from drills.hostile.callbacks import CALLBACKS
from drills.hostile.connections import CONNECTIONS
from drills.hostile.envelopes import ENVELOPES
from drills.hostile.foreign import FOREIGN
from drills.hostile.links import LINKS
from drills.hostile.mcp import MCP
from drills.hostile.messages import MESSAGES
from drills.hostile.other_redis import OTHER_REDIS
from drills.hostile.probe import Probe
from drills.hostile.requests import REQUESTS
from drills.hostile.uploads import UPLOADS

ATTACKS = [
    *CONNECTIONS,
    *BODIES,
    *REQUESTS,
    *UPLOADS,
    *CALLBACKS,
    *LINKS,
    *MCP,
    *FOREIGN,
    *MESSAGES,
    *ENVELOPES,
    *OTHER_REDIS,
]
"""Every attack."""


def chosen(only: list[str]) -> list[Probe]:
    """The attacks on the named doors, and those whose names hold a text. Without names: every attack."""
    doors = {probe.kind for probe in ATTACKS}
    return [
        probe for probe in ATTACKS
        if not only or any(text == probe.kind or (text not in doors and text in probe.title) for text in only)
    ]  # fmt: skip
