import pytest

from schemas.causes import CONSEQUENCES, Cause, cause_of_cancel, cause_of_failure
from schemas.enums import ErrorCode


@pytest.mark.parametrize("code", ErrorCode)
@pytest.mark.parametrize("was_accepted", [True, False])
def test_every_failure_has_a_cause_that_costs_nothing(code: ErrorCode, was_accepted: bool) -> None:
    cause = cause_of_failure(code, was_accepted=was_accepted)
    assert not CONSEQUENCES[cause].may_charge


def test_only_a_cancel_of_what_had_begun_may_cost_something() -> None:
    assert set(CONSEQUENCES) == set(Cause)
    assert [cause for cause in Cause if CONSEQUENCES[cause].may_charge] == [cause_of_cancel(was_accepted=True)]


def test_what_was_refused_after_the_provider_began_is_its_output() -> None:
    code = ErrorCode.CONTENT_REJECTED
    assert cause_of_failure(code, was_accepted=False) is Cause.REQUEST_REFUSED
    assert cause_of_failure(code, was_accepted=True) is Cause.OUTPUT_REFUSED


def test_a_refusal_is_not_to_be_repeated_and_every_other_cause_is() -> None:
    final = {cause for cause, consequence in CONSEQUENCES.items() if not consequence.is_retryable}
    assert final == {Cause.REQUEST_REFUSED, Cause.OUTPUT_REFUSED}
