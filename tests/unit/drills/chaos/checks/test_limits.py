"""The comparison of what the vendors had with the limits of their accounts."""

from drills.chaos.checks.limits import exceeded, most_in_flight
from drills.chaos.plans.vendors import KIE_IMAGE, KIE_VIDEO, KLING_VIDEO, LIMITS
from sandbox.control_models import TaskReport


def _task(model: str, begin: float, end: float | None) -> TaskReport:
    return TaskReport(
        task_id="a", model=model, prompt="", request={}, call_back_url=None, state="success", created_at=begin,
        completed_at=end, polls=0, polled_at=None, cancels=0, downloads=0, callbacks=[],
    )  # fmt: skip


def test_the_models_of_an_account_count_together() -> None:
    tasks = [
        _task(KIE_IMAGE.vendors_name, 0, 10),
        _task(KIE_VIDEO.vendors_name, 5, None),
        _task(KIE_IMAGE.vendors_name, 20, 30),
        _task(KLING_VIDEO.vendors_name, 0, 1),
    ]
    assert most_in_flight(tasks) == {"kie": 2, "kling": 1}


def test_more_than_the_limit_is_a_breach() -> None:
    limit = LIMITS["kling"].in_flight
    assert limit is not None
    assert exceeded({"kling": limit}) == []
    (breach,) = exceeded({"kling": limit + 1})
    assert (breach.subject, breach.problem) == (
        "the account kling", f"had {limit + 1} in flight at once; the limit is {limit}"
    )  # fmt: skip
