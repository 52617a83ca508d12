"""A stranger among the load: attacks the doors of the system all along, in an order that the seed decides.

An attack may fail, because the faults hit its connections, too. Its bounds are the subject of `make hostile`; here the
audit decides whether the attacks did harm.
"""

import random
import threading
from collections import Counter
from collections.abc import Mapping
from contextlib import ExitStack

from drills.chaos.system import System
from drills.hostile.attacks import ATTACKS
from drills.hostile.hosts import running_hosts
from drills.hostile.probe import Probe
from drills.hostile.target import Target, target_of

_PAUSE_SECONDS = 0.5

# The other attacks need the answers of the attacker's vendor, or they measure times.
_DOORS = frozenset({"head", "connection", "body", "request", "upload", "link", "redis"})
# These send so much that they would slow the links of this process, or take longer than a fault.
_TOO_LONG = ("MiB", " MB", "GiB", "gigabyte", "2,500", "for 17 s", "for 33 s", "a range")


class Stranger:
    """Attacks one after the other until the end of the load."""

    def __init__(self, system: System, seed: int) -> None:
        self.attacks: Counter[str] = Counter()
        self._system = system
        self._order = random.Random(f"{seed} stranger")
        self._stop = threading.Event()
        self._ends = ExitStack()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Make the customers of the attacks, and start. Call this before the first fault."""
        hosts = self._ends.enter_context(running_hosts())
        target = self._ends.enter_context(target_of(self._system.application, self._system.sandbox, hosts))
        self._thread = threading.Thread(target=self._run, args=(target,), name="stranger", daemon=True)
        self._thread.start()

    def finish(self) -> None:
        """Begin no further attack, and wait for the end of the present one."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
        self._ends.close()

    def _run(self, target: Target) -> None:
        while not self._stop.wait(_PAUSE_SECONDS):
            self._attack(target, self._order.choice(CHOSEN))

    def _attack(self, target: Target, probe: Probe) -> None:
        try:
            probe.attack(target)
        except Exception as error:  # noqa: BLE001 -- a fault may hit an attack anywhere, and an attack proves nothing
            self.attacks[f"cut ({type(error).__name__})"] += 1
        else:
            self.attacks[probe.kind] += 1


def counted(stranger: Stranger | None) -> Mapping[str, int]:
    """The attacks by door, and those that a fault cut. Empty without a stranger."""
    return {} if stranger is None else dict(stranger.attacks)


CHOSEN = [
    probe for probe in ATTACKS if probe.kind in _DOORS and not any(text in probe.name for text in _TOO_LONG)
]  # fmt: skip
"""The attacks that a run draws from."""
