"""The scenarios, in the order of runs and tables."""

from collections.abc import Mapping

from bench.scenario import Scenario
from bench.scenarios.admission import Admission
from bench.scenarios.calls import Calls
from bench.scenarios.doors import Doors
from bench.scenarios.files import Files
from bench.scenarios.lists import Lists
from bench.scenarios.overhead import Overhead
from bench.scenarios.streams import Streams
from bench.scenarios.throughput import Throughput
from bench.scenarios.waiting import Waiting
from bench.scenarios.webhooks import Webhooks

_ORDER: tuple[Scenario, ...] = (
    Throughput(), Overhead(), Waiting(), Files(), Doors(), Streams(), Webhooks(), Calls(), Lists(), Admission(),
)  # fmt: skip

SCENARIOS: Mapping[str, Scenario] = {scenario.name: scenario for scenario in _ORDER}

ONLY_BY_NAME = frozenset({Admission.name})
"""The scenarios that run only by name: they take long and have further options."""
