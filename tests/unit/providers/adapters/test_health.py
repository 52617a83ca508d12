"""An operator hears once of an account that begins to fail, and once of its recovery."""

import pytest
from structlog.typing import EventDict

from providers.adapters.health import Health
from schemas.provider_errors import (
    ProviderAuthFailed,
    ProviderError,
    ProviderOutcomeUnknown,
    ProviderRateLimited,
    ProviderRejected,
    ProviderUnavailable,
    ProviderWorkAbsent,
)
from tests.support import own_logs

AWAY = ProviderUnavailable("kie gave no answer to poll (ConnectError)")


def lines_of(*calls: ProviderError | None) -> list[EventDict]:
    """The lines after these calls. None is an answered call."""
    health = Health("kie")
    with own_logs() as lines:
        for error in calls:
            if error is None:
                health.succeeded()
            else:
                health.failed(error)
    return [dict(line) for line in lines]


def test_failures_in_a_row_are_one_warning_and_the_recovery_is_another() -> None:
    began, ended = lines_of(*[AWAY] * 100, None, None)
    assert began == {
        "event": "account_failing",
        "log_level": "warning",
        "provider": "kie",
        "code": "provider_unavailable",
        "reason": AWAY.message,
    }
    assert (ended["event"], ended["log_level"], ended["failures"]) == ("account_works_again", "warning", 100)


def test_single_failures_between_answers_are_no_news() -> None:
    assert lines_of(*[AWAY, AWAY, None] * 10) == []


@pytest.mark.parametrize("error", [ProviderAuthFailed("refused"), ProviderOutcomeUnknown("cut"), AWAY])
def test_trouble_of_the_account_is_a_failure(error: ProviderError) -> None:
    assert [line["event"] for line in lines_of(*[error] * 3)] == ["account_failing"]


def test_refused_orders_are_answers_and_rate_limits_are_neither() -> None:
    assert lines_of(*[ProviderRejected("no such size")] * 10, *[ProviderRateLimited("slower")] * 10) == []
    limited = lines_of(AWAY, AWAY, ProviderRateLimited("slower"), AWAY)
    assert [line["event"] for line in limited] == ["account_failing"]
    answered = lines_of(AWAY, AWAY, ProviderRejected("no such size"), AWAY)
    assert answered == []


def test_server_without_the_work_answers() -> None:
    assert lines_of(*[ProviderWorkAbsent("neither in its queue nor in its history")] * 10) == []


def test_account_that_fails_again_is_news_again() -> None:
    events = [line["event"] for line in lines_of(*[AWAY] * 3, None, *[AWAY] * 3, None)]
    assert events == ["account_failing", "account_works_again"] * 2
