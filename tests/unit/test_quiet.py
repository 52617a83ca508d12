import logging

import pytest

from workers.quiet import REFUSALS, WithoutBodies


@pytest.mark.parametrize("message", REFUSALS)
def test_a_refused_message_is_told_without_its_body(message: str) -> None:
    record = logging.LogRecord("celery", logging.ERROR, "", 0, message, ("a secret prompt",), None)
    assert WithoutBodies().filter(record)
    assert "secret" not in record.getMessage()
    assert "discarded" in record.getMessage()


def test_every_other_line_stays_as_it_is() -> None:
    record = logging.LogRecord("celery", logging.WARNING, "", 0, "lost %s", ("redis",), None)
    assert WithoutBodies().filter(record)
    assert record.getMessage() == "lost redis"
