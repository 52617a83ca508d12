"""Writes an answer and removes its message in one step, so that a killed process leaves both or none."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import structlog
from redis import Redis

from intake.redis import keys
from intake.redis.operations import problem_in
from intake.redis.replies import Reply
from intake.redis.request import Request
from intake.redis.taking import Taken

log = structlog.get_logger()

_KEPT_SECONDS: Final = 3600
_READ_SECONDS: Final = 60
_MOST_UNREAD: Final = 10_000

_DIGEST_LENGTH: Final = 64
_HAS_NO_PLACE: Final = 0
_ID_IS_TAKEN: Final = 2

# A script is atomic, as MULTI is, and can also ask whose message it is: one that was taken over is answered by its new
# taker, so a list gets no answer twice. Where the count of messages is below the message's number, Redis has lost its
# data, and the answer must not be lost, too.
# Redis may be full, and an answer must not be lost then. A place of another type is its sender's fault: the message
# goes all the same. A place that is named by the id keeps the answer to the first request with that id.
_ANSWER: Final = """#!lua flags=allow-oom
local taken, answered, place, count = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local kind, document, channel, seconds = ARGV[1], ARGV[2], ARGV[3], ARGV[5]
local is_own = redis.call('RPOP', taken) or ARGV[9] == '1'
if kind == 'none' then return 1 end
local known = redis.call('GET', answered)
local is_lost = tonumber(redis.call('GET', count) or 0) < tonumber(ARGV[7])
if not is_own and (known or not is_lost) then return 1 end
local is_of_another = known and string.sub(known, 1, 64) ~= string.sub(ARGV[4], 1, 64)
if is_of_another and (kind == 'kept' or kind == 'celery') then return 2 end
if ARGV[4] ~= '' and not is_of_another then redis.call('SET', answered, ARGV[4], 'EX', ARGV[8]) end
local done
if kind == 'kept' then
    redis.call('SETEX', place, seconds, document)
elseif kind == 'celery' then
    done = redis.pcall('SETEX', place, seconds, document)
    redis.pcall('PUBLISH', channel, document)
elseif kind == 'list' then
    done = redis.pcall('LPUSH', place, document)
    redis.pcall('LTRIM', place, 0, ARGV[6] - 1)
else
    done = redis.pcall('XADD', place, 'MAXLEN', '~', ARGV[6], '*', 'answer', document)
end
if kind == 'list' or kind == 'stream' then redis.pcall('EXPIRE', place, seconds) end
return type(done) == 'table' and done.err and 0 or 1
"""


@dataclass(frozen=True)
class Answer:
    """What the door tells the sender of a message."""

    request_id: str
    """The id of the message."""
    reply: Reply
    """The place of the answer."""
    content: dict[str, object]
    """The result of the operation, or `{"error": problem}`."""
    digest: str = ""
    """The digest of the request. Empty: the answer is never repeated."""
    is_read: bool = False
    """Whether the request has only read. A second delivery may then be served again."""
    is_expired: bool = False
    """Whether the request came too late. Celery has a state for that."""


class Answers:
    """Gives answers, and finds those that were given."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._answer = redis.register_script(_ANSWER)

    def give(self, taken: Taken, answer: Answer, *, is_dead: bool = False) -> None:
        """Write the answer and remove its message. A second call changes nothing.

        Args:
            is_dead: whether the message has just gone to the dead. Then a second call answers again.

        Raises:
            RedisError: Redis did not answer. Call again.
        """
        place = _place(answer)
        sent = [answer.reply.kind, _document(answer), place, _memory(answer)]
        found: Any = self._answer(
            keys=[taken.place, keys.ANSWERED + answer.request_id, place, keys.COUNT],
            args=[*sent, _KEPT_SECONDS, _MOST_UNREAD, taken.number, _remembered_seconds(answer), int(is_dead)],
        )
        if found == _HAS_NO_PLACE:
            log.warning("answer_has_no_place", request_id=answer.request_id, place=answer.reply.kind)
        elif found == _ID_IS_TAKEN:
            log.warning("message_id_repeated", request_id=answer.request_id, place=answer.reply.kind)

    def given(self, request: Request) -> dict[str, object] | None:
        """The answer to an earlier delivery of the same request. None: the request was not served before.

        A refused request is served again: nothing was made, and its reason may be gone.
        """
        raw: Any = self._redis.get(keys.ANSWERED + request.id)
        if not raw or raw[:_DIGEST_LENGTH] != request.digest.encode():
            return None
        content: dict[str, object] = json.loads(raw[_DIGEST_LENGTH:])
        return content

    def drop(self, taken: Taken) -> None:
        """Remove a message whose sender wants no answer."""
        self._answer(keys=[taken.place], args=["none"])


def _place(answer: Answer) -> str:
    """The key of the answer's place, which is also Celery's channel."""
    if answer.reply.kind == "celery":
        return f"celery-task-meta-{answer.request_id}"
    return answer.reply.name or keys.ANSWER + answer.request_id


def _memory(answer: Answer) -> str:
    """The digest of the request and its answer, for a second delivery. Empty for a refusal."""
    return "" if problem_in(answer.content) is not None else answer.digest + json.dumps(answer.content)


def _remembered_seconds(answer: Answer) -> int:
    """How long a second delivery gets the same answer. Answers to reads may hold prompts, and are soon served again."""
    return _READ_SECONDS if answer.is_read and answer.reply.kind != "kept" else _KEPT_SECONDS


def _document(answer: Answer) -> str:
    if answer.reply.kind != "celery":
        return json.dumps({"id": answer.request_id, "answer": answer.content})
    expired = {"exc_type": "TaskRevokedError", "exc_message": ["expired"], "exc_module": "celery.exceptions"}
    return json.dumps(
        {
            "status": "REVOKED" if answer.is_expired else "SUCCESS",
            "result": expired if answer.is_expired else answer.content,
            "traceback": None,
            "children": [],
            "date_done": datetime.now(UTC).isoformat(),
            "task_id": answer.request_id,
        }
    )
