import pytest
from pydantic import JsonValue

from providers.adapters.words import no_news, read_status
from providers.base import RemoteState, RemoteStatus

DOCUMENTED = {"queuing": RemoteStatus.QUEUED, "in_progress": RemoteStatus.RUNNING, "aborted": RemoteStatus.FAILED}


@pytest.mark.parametrize(
    "word", ["in_progress", "IN_PROGRESS", "In Progress", "in-progress", "InProgress", " in_progress\n"]
)
def test_case_and_separators_do_not_count(word: str) -> None:
    assert read_status(word, DOCUMENTED) is RemoteStatus.RUNNING


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("pending", RemoteStatus.QUEUED),
        ("submitted", RemoteStatus.QUEUED),
        ("processing", RemoteStatus.RUNNING),
        ("running", RemoteStatus.RUNNING),
        ("succeeded", RemoteStatus.SUCCEEDED),
        ("COMPLETED", RemoteStatus.SUCCEEDED),
        ("TASK_STATUS_SUCCEED", RemoteStatus.SUCCEEDED),
        ("JOB_STATE_FAILED", RemoteStatus.FAILED),
        ("expired", RemoteStatus.FAILED),
        ("error", RemoteStatus.FAILED),
        ("cancelled", RemoteStatus.CANCELLED),
        ("canceled", RemoteStatus.CANCELLED),
    ],
)
def test_words_of_public_apis_are_known(word: str, status: RemoteStatus) -> None:
    assert read_status(word, DOCUMENTED) is status


@pytest.mark.parametrize("word", ["aborted", "Aborted"])
def test_the_vendors_own_words_win(word: str) -> None:
    assert read_status(word, DOCUMENTED) is RemoteStatus.FAILED
    assert read_status(word, {}) is RemoteStatus.CANCELLED


@pytest.mark.parametrize(
    "word", ["pondering", "", "not failed", "incomplete", None, 7, True, [], ["failed"], {"failed": 1}]
)
def test_other_words_are_no_news(word: JsonValue) -> None:
    assert read_status(word, DOCUMENTED) is RemoteStatus.UNKNOWN


@pytest.mark.parametrize("flag", [1, 1.0, "1"])
def test_a_number_and_its_text_are_one_word(flag: JsonValue) -> None:
    assert read_status(flag, {"1": RemoteStatus.SUCCEEDED}) is RemoteStatus.SUCCEEDED


@pytest.mark.parametrize(
    ("word", "shown"),
    [
        ("pondering", "pondering"),
        (None, "missing"),
        (7, "7"),
        (7.0, "7"),
        (["a"], "['a']"),
    ],
)
def test_an_unknown_word_is_shown(word: JsonValue, shown: str) -> None:
    assert no_news(word) == RemoteState(RemoteStatus.UNKNOWN, word=shown)
