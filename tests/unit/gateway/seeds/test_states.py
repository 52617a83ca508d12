"""The generation that stands for an order of several."""

from typing import Any
from uuid import uuid4

import pytest

from gateway.seeds.states import Made
from schemas.enums import AssetRole, Stage
from schemas.setting_groups import RetentionSettings
from schemas.tables import Asset, Generation
from storage.details import Details


def one(stage: Stage) -> Details:
    row: dict[str, Any] = {"stage": stage}
    asset: dict[str, Any] = {"role": AssetRole.RESULT}
    return Details(Generation(**row), [Asset(**asset)] if stage is Stage.COMPLETED else [], {})


@pytest.mark.parametrize(
    ("stages", "first"),
    [
        ([Stage.FAILED, Stage.GENERATING, Stage.COMPLETED], 2),
        ([Stage.FAILED, Stage.GENERATING, Stage.QUEUED], 1),
        ([Stage.QUEUED, Stage.FAILED], 0),
        ([Stage.FAILED, Stage.CANCELLED], 0),
    ],
)
def test_a_result_goes_before_an_unfinished_one_and_this_before_a_failure(stages: list[Stage], first: int) -> None:
    found = [one(stage) for stage in stages]

    assert Made(found, uuid4(), RetentionSettings()).first is found[first]
