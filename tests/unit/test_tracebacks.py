"""Tracebacks of logs: frames, types and the first line of each message."""

from collections.abc import Callable
from typing import NoReturn

from schemas.tracebacks import traceback_of

QUOTED = "the row violates a rule\nDETAIL: Failing row contains (a prompt\nof two lines)"


def fail(error: Exception) -> NoReturn:
    raise error


def told(act: Callable[[], object]) -> str:
    """The traceback of the error that an act raises."""
    try:
        act()
    except Exception as error:  # noqa: BLE001 -- whatever it raises
        return traceback_of((type(error), error, error.__traceback__))
    raise AssertionError("nothing was raised")


def test_message_of_several_lines_is_cut_after_the_first() -> None:
    text = told(lambda: fail(ValueError(QUOTED)))
    assert text.startswith("Traceback (most recent call last):\n")
    assert "in fail" in text
    assert text.endswith("\nValueError: the row violates a rule")


def test_causes_and_contexts_are_told_in_order() -> None:
    def act() -> None:
        try:
            try:
                fail(IndexError("first"))
            except IndexError as error:
                raise KeyError("second") from error
        except KeyError:
            fail(RuntimeError("third"))

    text = told(act)
    ends = [line for line in text.splitlines() if line.startswith(("IndexError", "KeyError", "RuntimeError"))]
    assert ends == ["IndexError: first", "KeyError: 'second'", "RuntimeError: third"]
    assert text.count("direct cause") == text.count("During handling") == 1


def test_suppressed_context_is_left_out() -> None:
    def act() -> None:
        try:
            fail(KeyError("first"))
        except KeyError:
            raise RuntimeError("second") from None

    assert "\nKeyError" not in told(act)


def test_errors_of_a_group_are_told_without_their_further_lines() -> None:
    text = told(lambda: fail(ExceptionGroup("several", [ValueError(QUOTED), KeyError("two")])))
    assert "ExceptionGroup: several (2 sub-exceptions)" in text
    assert "\nValueError: the row violates a rule\n" in text
    assert text.endswith("KeyError: 'two'")
    assert "prompt" not in text


def test_long_message_is_cut() -> None:
    assert len(told(lambda: fail(ValueError("x" * 10_000))).rpartition("ValueError: ")[2]) == 300
