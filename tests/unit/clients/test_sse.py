import pytest

from reelworks_client._sse import Messages

STREAM = b": hello\r\nretry: 1500\n\nid: 1\ndata: one\ndata:two\n\nid: 2\n\nid: 3\rdata: three\r\rid: 4\ndata: cut"


@pytest.mark.parametrize("size", [1, 2, 3, 7, len(STREAM)])
def test_messages_are_whole_however_the_bytes_are_cut(size: int) -> None:
    messages = Messages()
    told = [data for at in range(0, len(STREAM), size) for data in messages.feed(STREAM[at : at + size])]
    assert told == ["one\ntwo", "three"]
    assert messages.retry_seconds == 1.5
    assert messages.last_id == "3", "the last message is not complete"


def test_id_without_data_is_a_position() -> None:
    messages = Messages("7")
    assert messages.feed(b"id: 9\n\n") == []
    assert messages.last_id == "9"
