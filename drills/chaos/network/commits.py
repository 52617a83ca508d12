"""Parses a client's messages to PostgreSQL, to find commits.

Source: https://www.postgresql.org/docs/current/protocol-message-formats.html
"""

import re
import struct

_LENGTH = struct.Struct("!I")
_TYPE_BYTES = 1

# SSLRequest and GSSENCRequest: the server declines, and the startup message follows.
_ASKS_FOR_ENCRYPTION = frozenset({80877103, 80877104})

_QUERY, _PARSE, _BIND = b"Q", b"P", b"B"

_WRITES = re.compile(rb"\b(INSERT|UPDATE|DELETE)\b", re.IGNORECASE)


class Commits:
    """Follows one client's stream and finds the messages that commit.

    A commit is a COMMIT, or a writing statement outside a transaction block.
    """

    def __init__(self) -> None:
        self._unread = b""
        self._has_started = False
        self._in_transaction = False
        self._writing: set[bytes] = set()
        """The names of prepared statements that write, including the unnamed one."""

    def in_chunk(self, chunk: bytes) -> bool:
        """Whether a message that commits ends in this chunk. It may begin in an earlier chunk."""
        self._unread += chunk
        found = False
        while (message := self._next()) is not None:
            found |= self._commits(message[:_TYPE_BYTES], message[_TYPE_BYTES + _LENGTH.size :])
        return found

    def _next(self) -> bytes | None:
        # The first messages of a connection have no type byte.
        at = _TYPE_BYTES if self._has_started else 0
        if len(self._unread) < at + _LENGTH.size:
            return None
        end = at + _LENGTH.unpack_from(self._unread, at)[0]
        if len(self._unread) < end:
            return None
        message, self._unread = self._unread[:end], self._unread[end:]
        if self._has_started:
            return message
        self._has_started = _LENGTH.unpack_from(message, _LENGTH.size)[0] not in _ASKS_FOR_ENCRYPTION
        return b"\0" + message

    def _commits(self, kind: bytes, body: bytes) -> bool:
        if kind == _QUERY:
            return self._query_commits(body.rstrip(b"\0"))
        if kind == _PARSE:
            name, _, sql = body.partition(b"\0")
            (self._writing.add if _WRITES.search(sql) else self._writing.discard)(name)
        if kind == _BIND:
            _portal, statement, *_ = body.split(b"\0", 2)
            return statement in self._writing and not self._in_transaction
        return False

    def _query_commits(self, sql: bytes) -> bool:
        match sql.upper():
            case b"COMMIT" | b"ROLLBACK" as word:
                self._in_transaction = False
                return word == b"COMMIT"
            case word if word.startswith(b"BEGIN"):
                self._in_transaction = True
                return False
        return not self._in_transaction and _WRITES.search(sql) is not None
