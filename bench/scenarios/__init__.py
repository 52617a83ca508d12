"""The scenarios, in the order in which they are run and shown."""

from collections.abc import Mapping

from bench.scenario import Scenario

_ORDER: tuple[Scenario, ...] = ()

SCENARIOS: Mapping[str, Scenario] = {scenario.name: scenario for scenario in _ORDER}
