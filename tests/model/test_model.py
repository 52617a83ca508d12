"""The state machine under random events: each run is a story that the real stage functions must survive.

`make test` runs the same stories each time. `make model EXAMPLES=2000` runs other and longer ones.
"""

import os

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.model.machine import Story
from tests.model.world import Ground

_always = settings(deadline=None, print_blob=True, suppress_health_check=list(HealthCheck))
_PROFILES = {
    # The same stories on every machine.
    "test": settings(_always, max_examples=50, stateful_step_count=30, derandomize=True),
    # New stories each time. Hypothesis stores a failing story and begins the next run with it.
    "explore": settings(_always, stateful_step_count=50),
    # Find whether there is a failure, without its shortest story.
    "detect": settings(_always, stateful_step_count=30, phases=[Phase.generate], derandomize=True),
}


def _profile() -> settings:
    chosen = _PROFILES[os.environ.get("MODEL_PROFILE", "test")]
    examples = os.environ.get("MODEL_EXAMPLES")
    return settings(chosen, max_examples=int(examples)) if examples else chosen


@pytest.mark.timeout(0 if "MODEL_PROFILE" in os.environ else 600)
def test_no_random_story_loses_or_wrongly_charges_a_generation(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Story, "ground", ground, raising=False)
    run_state_machine_as_test(Story, settings=_profile())
