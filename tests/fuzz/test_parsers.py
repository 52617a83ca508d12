"""The kept cases, and the same few random ones on every machine. `make fuzz` tries others."""

import pytest
from hypothesis import HealthCheck, given, settings

from tests.fuzz.target import Target
from tests.fuzz.targets import TARGETS

# Random cases of each group.
EXAMPLES = {"envelopes": 25, "answers": 10, "media": 4}

KEPT = [(target, name) for target in TARGETS.values() for name in target.kept()]


@pytest.mark.parametrize(("target", "name"), KEPT, ids=[f"{target.name} {name}" for target, name in KEPT])
def test_a_kept_case_is_read_or_refused(target: Target, name: str) -> None:
    target.check((target.folder / name).read_bytes())


@pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)
def test_a_random_case_is_read_or_refused(target: Target) -> None:
    few = settings(
        max_examples=EXAMPLES[target.name], derandomize=True, database=None, suppress_health_check=list(HealthCheck)
    )
    for cases in target.cases(target.kept()).values():
        few(given(cases)(target.check))()
