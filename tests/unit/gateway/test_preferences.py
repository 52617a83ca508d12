import pytest

from gateway.events import accepts_stream
from gateway.preferences import wait_seconds


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        (["wait=10"], 10),
        (["respond-async, wait=10"], 10),
        (["respond-async", "Wait = 10"], 10),
        (['wait="10"'], 10),
        (["wait=10; foo=bar"], 10),
        (["wait=10, wait=20"], 10),
        (["wait=61"], 60),
        (["wait=0"], 0),
        (["wait"], 0),
        (["wait=-1"], 0),
        (["wait=1.5"], 0),
        (["await=10"], 0),
        ([""], 0),
        ([], 0),
    ],
)
def test_seconds_of_a_preference(headers: list[str], seconds: int) -> None:
    assert wait_seconds(headers) == seconds


@pytest.mark.parametrize(
    ("accept", "is_stream"),
    [
        (["text/event-stream"], True),
        (["application/json, Text/Event-Stream;q=0.9"], True),
        (["application/json", "text/event-stream"], True),
        (["*/*"], False),
        (["text/*"], False),
        (["application/json"], False),
        ([], False),
    ],
)
def test_only_clients_that_name_the_media_type_get_a_stream(accept: list[str], is_stream: bool) -> None:
    assert accepts_stream(accept) is is_stream
