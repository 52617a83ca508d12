import struct

from drills.chaos.network.commits import Commits

STARTUP = struct.pack("!II", 8, 80877103) + struct.pack("!II", 8, 196608)


def message(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("!I", len(body) + 4) + body


def query(sql: bytes) -> bytes:
    return message(b"Q", sql + b"\0")


def prepare(name: bytes, sql: bytes) -> bytes:
    return message(b"P", name + b"\0" + sql + b"\0" + struct.pack("!H", 0))


def run(name: bytes) -> bytes:
    return message(b"B", b"\0" + name + b"\0" + struct.pack("!HHH", 0, 0, 0))


def test_commit_is_found_in_the_chunk_where_it_ends() -> None:
    commits = Commits()
    assert not commits.in_chunk(STARTUP + query(b"BEGIN"))
    commit = query(b"COMMIT")
    assert not commits.in_chunk(commit[:7])
    assert commits.in_chunk(commit[7:])


def test_single_write_commits_and_a_read_does_not() -> None:
    commits = Commits()
    commits.in_chunk(STARTUP)
    assert commits.in_chunk(prepare(b"w", b"WITH moved AS (update x SET y = 1) SELECT 1") + run(b"w"))
    assert not commits.in_chunk(prepare(b"r", b"SELECT 1") + run(b"r"))
    assert commits.in_chunk(run(b"w")), "prepared once, run again"


def test_write_in_a_transaction_waits_for_its_commit() -> None:
    commits = Commits()
    commits.in_chunk(STARTUP + query(b"BEGIN"))
    assert not commits.in_chunk(query(b"SELECT 1"))
    assert not commits.in_chunk(prepare(b"", b"INSERT INTO x VALUES (1)") + run(b""))
    assert commits.in_chunk(query(b"COMMIT"))


def test_rollback_is_no_commit() -> None:
    commits = Commits()
    commits.in_chunk(STARTUP + query(b"BEGIN"))
    assert not commits.in_chunk(query(b"ROLLBACK"))
