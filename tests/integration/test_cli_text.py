"""The texts that an operator gives to the command have the characters that the doors take."""

import pytest

from storage import listings
from storage.database import Database
from tests.integration.command import Reelworks

SOMEBODY = "6d5d22ff-00a1-4cc1-b35d-3a97fd57e970"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("caf\udce9", "half of a surrogate pair"),  # the byte E9, which is no UTF-8
        ("acme\u202e", "a mark of direction"),
        ("acme\x1b[2J", "a control character"),
        ("ac\u200bme", "an invisible character"),
        ("  ", "must not be blank"),
    ],
)
@pytest.mark.parametrize(
    "command",
    [
        ("customers", "create"),
        ("customers", "list"),
        ("keys", "revoke", SOMEBODY),
        ("credits", "grant", SOMEBODY, "5", "--reference"),
        ("credits", "refund", SOMEBODY, SOMEBODY, "5", "--reason", "a reason", "--reference"),
    ],
    ids=" ".join,
)
def test_name_that_cannot_be_read_is_refused(
    reelworks: Reelworks, database: Database, command: tuple[str, ...], text: str, words: str
) -> None:
    ended = reelworks(*command, text)

    assert ended.status == 2
    assert words in " ".join(ended.err.replace("│", " ").split())
    assert "Traceback" not in ended.err
    with database.transaction() as session:
        assert listings.customers(session, limit=1) == []


@pytest.mark.parametrize("text", ["caf\udce9", "a\x07", "\u202e"])
def test_reason_that_cannot_be_stored_is_refused(reelworks: Reelworks, database: Database, text: str) -> None:
    ended = reelworks("credits", "grant", SOMEBODY, "5", "--reference", "1", "--reason", text)

    assert (ended.status, "Traceback" in ended.err) == (2, False)


def test_names_of_every_script_are_taken(reelworks: Reelworks, database: Database) -> None:
    assert reelworks("customers", "create", "Łódź 灯台 مرحبا").status == 0
    with database.transaction() as session:
        assert [found.name for found in listings.customers(session, limit=9)] == ["Łódź 灯台 مرحبا"]
