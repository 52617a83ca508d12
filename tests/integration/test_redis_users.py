"""The users of the Redis in `compose.yaml`: each can do its work, and nothing else."""

import json
import re
from collections.abc import Iterator
from uuid import UUID

import psutil
import pytest
from celery import Celery
from redis import Redis
from redis.exceptions import NoPermissionError

from cli.outages import in_words
from notify.announcements import CHANNEL
from notify.stream.entries import STREAM, stream_of
from schemas.enums import Queue
from storage.database import Database
from tests.compose_redis import ComposeRedis, compose_redis
from tests.support import clean_settings, own_logs
from workers.app import create_app
from workers.dispatch import Dispatcher
from workers.roles import ROLES, Role
from workers.unacked import restore

OURS = ["gateway", "beat", "flower", *Role]
EVERYBODY = [*OURS, "orders", "events"]
ANSWERS = "celery-task-meta-*"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ComposeRedis]:
    with compose_redis(tmp_path_factory.mktemp("redis")) as running:
        yield running


@pytest.fixture
def operator(server: ComposeRedis) -> Iterator[Redis]:
    """The default user."""
    with Redis.from_url(server.operator_url, decode_responses=True) as client:
        yield client


def may(operator: Redis, user: str, command: str) -> bool:
    """Whether the server would run this command for this user."""
    return bool(operator.acl_dryrun(user, *command.split()) == "OK")


def test_redis_is_process_one_with_its_settings_and_no_password_on_its_command_line(
    server: ComposeRedis, operator: Redis
) -> None:
    assert operator.info()["process_id"] == server.pid
    assert operator.config_get("maxmemory") == {"maxmemory": str(512 * 1024**2)}
    command_line = " ".join(psutil.Process(server.pid).cmdline())
    assert [password for password in server.passwords if password in command_line] == []


def test_each_user_has_a_password(operator: Redis) -> None:
    assert set(operator.acl_users()) == {"default", *EVERYBODY}
    # A user is listed with a hash for each password.
    assert [line for line in operator.acl_list() if " #" not in str(line) or "nopass" in str(line)] == []


FORBIDDEN = """
FLUSHALL; FLUSHDB; SHUTDOWN; SAVE; REPLICAOF x 1; SWAPDB 0 1; MIGRATE x 1 submit 0 1; DEBUG SLEEP 1
CONFIG GET *; ACL LIST; ACL SETUSER x on; CLIENT KILL ID 1; CLIENT PAUSE 1000; SCRIPT FLUSH; SCRIPT KILL; FUNCTION FLUSH
KEYS *; MONITOR; DUMP requests; COPY requests x; RENAME requests x; SET anything x; GET anything
PSUBSCRIBE *; PUBLISH anything x; EVAL return 0 0; EVALSHA x 1 anything
"""


@pytest.mark.parametrize("user", EVERYBODY)
def test_no_user_may_command_the_server_or_look_at_everything(operator: Redis, user: str) -> None:
    allowed = [command for command in commands(FORBIDDEN) if may(operator, user, command)]
    assert allowed == []


@pytest.mark.parametrize("user", EVERYBODY)
@pytest.mark.parametrize("queue", list(Queue))
def test_a_queue_is_read_by_its_role_only(operator: Redis, user: str, queue: Queue) -> None:
    is_own = user in set(Role) and queue in ROLES[Role(user)].queues
    # The door of the earlier release pops requests, too.
    assert may(operator, user, f"BRPOP {queue} {queue}\x06\x163 1") == is_own
    is_moved = is_own and queue is Queue.REQUESTS
    assert may(operator, user, f"LMOVE {queue} reelworks:door:taken:x RIGHT LEFT") == is_moved
    for command in (f"DEL {queue}", f"LPOP {queue}", f"LTRIM {queue} 0 0", f"BLMOVE {queue} x LEFT LEFT 1"):
        assert not may(operator, user, command), command
    reads = f"LRANGE {queue} 0 -1"
    # It moves requests from the lists of clients that name no queue.
    assert may(operator, user, reads) == (user == queue == Queue.REQUESTS)


PIPELINE = {Queue.SUBMIT, Queue.POLL, Queue.DOWNLOAD, Queue.STORE, Queue.SETTLE}


@pytest.mark.parametrize("user", EVERYBODY)
def test_who_sends_to_which_queue(operator: Redis, user: str) -> None:
    sends = {queue for queue in Queue if may(operator, user, f"LPUSH {queue} x")}

    if user == Role.NOTIFY:
        assert sends == set()
    elif user in {"gateway", *Role}:
        # A wake-up holds the id of a generation. The door also returns requests that it did not start.
        # The waker, a task of control, alone sends wake-ups of variants.
        own = {Role.REQUESTS: {Queue.REQUESTS}, Role.CONTROL: {Queue.VARIANTS}}
        assert sends == PIPELINE | (own.get(Role(user), set()) if user in set(Role) else set())
    else:
        assert (
            sends
            == {"beat": {Queue.CONTROL, Queue.SWEEP}, "flower": set(), "orders": {Queue.REQUESTS}, "events": set()}[
                user
            ]
        )


@pytest.mark.parametrize("user", EVERYBODY)
def test_remote_control_is_sent_by_flower_and_heard_by_workers(operator: Redis, user: str) -> None:
    is_worker = user in set(Role)

    assert may(operator, user, "PUBLISH /0.celery.pidbox x") == (user == "flower")
    # The door of the earlier release is a Celery worker.
    hears = is_worker and (ROLES[Role(user)].is_celery or user == Role.REQUESTS)
    assert may(operator, user, "PSUBSCRIBE /0.celery.pidbox") == hears
    assert may(operator, user, "BRPOP 1c3b.reply.celery.pidbox 1") == (user == "flower")
    assert may(operator, user, "PUBLISH /0.celeryev/task.started x") == is_worker
    assert may(operator, user, "PSUBSCRIBE /0.celeryev/*") == (user == "flower")


@pytest.mark.parametrize("user", EVERYBODY)
def test_answers_are_written_by_the_door_and_read_by_those_who_know_the_id(operator: Redis, user: str) -> None:
    is_door = user == Role.REQUESTS

    for command in ("SETEX celery-task-meta-1 60 x", "PUBLISH celery-task-meta-1 x"):
        assert may(operator, user, command) == is_door, command
    # The door of the earlier release reads before it writes.
    assert may(operator, user, "GET celery-task-meta-1") == (user in {"orders", Role.REQUESTS})
    assert may(operator, user, "SUBSCRIBE celery-task-meta-1") == (user == "orders")
    for command in (f"PSUBSCRIBE {ANSWERS}", "SET celery-task-meta-1 x", "SCAN 0 MATCH x"):
        assert not may(operator, user, command) or (user, command) == ("flower", "SCAN 0 MATCH x"), command


@pytest.mark.parametrize("user", EVERYBODY)
def test_changes_are_announced_by_those_who_make_them_and_heard_by_those_who_tell(operator: Redis, user: str) -> None:
    assert may(operator, user, f"PUBLISH {CHANNEL} x") == (user in {"gateway", *Role} - {Role.NOTIFY})
    assert may(operator, user, f"SUBSCRIBE {CHANNEL}") == (user in {"gateway", Role.NOTIFY})


def test_requests_that_the_door_holds_are_its_own(operator: Redis) -> None:
    for command in ("LINDEX reelworks:door:taken:x 0", "RPOP reelworks:door:taken:x", "LRANGE reelworks:door:dead 0 9"):
        assert [user for user in EVERYBODY if may(operator, user, command)] == [Role.REQUESTS], command


def test_a_door_of_the_earlier_release_finishes_its_requests_and_this_one_returns_what_it_left(
    server: ComposeRedis, operator: Redis
) -> None:
    """A Celery worker takes two requests with the rights of the door: it acknowledges one, and returns one."""
    operator.acl_log_reset()
    with Celery(broker=server.url("worker-requests"), set_as_current=False) as app:
        for _ in range(3):
            app.send_task("generation.enqueue", queue="requests")
        with app.connection_for_read() as connection, connection.SimpleQueue("requests") as queue:
            taken = [queue.get(timeout=100) for _ in range(3)]
            assert operator.hlen("unacked") == 3
            taken[0].ack()
            taken[1].requeue()
            assert (operator.hlen("unacked"), operator.llen("requests")) == (1, 1)
            operator.zadd("unacked_index", dict.fromkeys(map(str, operator.hkeys("unacked")), 1))
            with Redis.from_url(server.url("worker-requests")) as door:
                assert restore(door) == 1
    assert (operator.exists("unacked", "unacked_index"), operator.llen("requests")) == (0, 2)
    operator.delete("requests")
    assert server.refused() == []


def test_a_service_sends_orders_and_reads_its_answers(server: ComposeRedis, operator: Redis) -> None:
    operator.acl_log_reset()
    url = server.orders_url
    with Celery(broker=url, backend=url, set_as_current=False) as app:
        sent = app.send_task("generation.enqueue", kwargs={"request": {}}, queue="requests", retry=False)
        assert operator.llen("requests") == 1
        answer = {"task_id": sent.id, "status": "SUCCESS", "result": {"id": "1"}}
        operator.set(f"celery-task-meta-{sent.id}", json.dumps(answer))
        assert sent.get(timeout=100) == {"id": "1"}
        sent.forget()
        assert not operator.exists(f"celery-task-meta-{sent.id}")
    assert server.refused() == []


OF_THE_DOOR = "GET reelworks:answer:1; GET reelworks:door"
OF_PLAIN_ANSWERS = """
BRPOP reelworks:answers:x 1; BLPOP reelworks:answers:x 1; RPOP reelworks:answers:x; LPOP reelworks:answers:x
XREAD STREAMS reelworks:answers:x 0; XRANGE reelworks:answers:x - +; LLEN reelworks:answers:x; DEL reelworks:answers:x
"""
NOT_OF_A_SENDER = """
LPUSH reelworks:answers:x y; XADD reelworks:answers:x * answer y; LRANGE reelworks:answers:x 0 -1
EXPIRE reelworks:answers:x 1
SET reelworks:door x; SET reelworks:answer:1 x; DEL reelworks:answer:1; DEL reelworks:door; DEL requests
LRANGE reelworks:door:dead 0 -1; LPUSH reelworks:door:dead x; GET reelworks:door:alive:x
GET reelworks:door:answered:1; SADD requests x; SADD requests\x06\x163 x; SMEMBERS requests
GET requests; LPUSH _kombu.binding.requests x
RPOP reelworks:door:taken:x
RPOP requests; BRPOP requests 1; LRANGE requests 0 -1; XADD reelworks:events * event x; SUBSCRIBE reelworks:changes
"""


def commands(text: str) -> list[str]:
    return [command.strip() for command in re.split(r"[;\n]", text) if command.strip()]


def test_a_sender_reads_the_answers_whose_names_it_knows_and_forges_none(operator: Redis) -> None:
    for command in commands(OF_THE_DOOR + ";" + OF_PLAIN_ANSWERS):
        assert may(operator, "orders", command), command
    for command in commands(NOT_OF_A_SENDER):
        assert not may(operator, "orders", command), command


def test_no_other_user_reads_plain_answers(operator: Redis) -> None:
    read = [(user, one) for user in OURS for one in commands(OF_PLAIN_ANSWERS) if may(operator, user, one)]
    # `reelworks status`, with the rights of Flower, looks for strange lists.
    assert read == [("flower", "LLEN reelworks:answers:x")]


def test_a_service_sends_plain_messages_and_reads_their_answers(server: ComposeRedis, operator: Redis) -> None:
    operator.acl_log_reset()
    name = "reelworks:answers:shop"
    with Redis.from_url(server.orders_url, decode_responses=True) as service:
        operator.set("reelworks:door", "{}")
        assert service.get("reelworks:door") == "{}"
        service.lpush("requests", "{}")
        service.lpush("requests\x06\x163", "{}")
        operator.lpush(name, "an answer")
        assert list(service.brpop([name], timeout=100) or ()) == [name, "an answer"]
        operator.xadd(f"{name}:stream", {"answer": "another"})
        assert service.xread({f"{name}:stream": "0"})[0][1][0][1] == {"answer": "another"}
        operator.set("reelworks:answer:order-1", "kept")
        assert service.get("reelworks:answer:order-1") == "kept"
    operator.delete("requests", "requests\x06\x163", f"{name}:stream", "reelworks:door", "reelworks:answer:order-1")
    assert server.refused() == []


def test_a_process_without_the_right_to_one_queue_serves_the_others(server: ComposeRedis, operator: Redis) -> None:
    """The rights of the release before variants."""
    queues = [queue for queue in Queue if queue is not Queue.VARIANTS]
    operator.execute_command(  # type: ignore[no-untyped-call]
        "ACL", "SETUSER", "earlier", "on", ">word", "resetkeys", "-@all", "+ping", "+hello", "+select",
        "+client|setinfo",
        f"(+llen {' '.join(f'%W~{queue}*' for queue in queues)})",
    )  # fmt: skip
    settings = clean_settings().model_copy(update={"redis_url": f"redis://earlier:word@127.0.0.1:{server.port}/0"})
    database = Database("postgresql://nobody@127.0.0.1:1/none")
    dispatcher = Dispatcher(create_app(settings), settings.pipeline, database)
    try:
        with own_logs() as lines:
            rooms = [dispatcher.room() for _ in range(2)]
    finally:
        dispatcher.close()
        database.dispose()
        operator.acl_deluser("earlier")
        operator.acl_log_reset()
    target = settings.pipeline.queue_target
    expected = {queue: 0 if queue is Queue.VARIANTS else target for queue in Queue}
    assert rooms == [expected, expected]
    assert [(line["event"], line["queue"]) for line in lines] == [("queue_refused", "variants")], "told once"


def test_an_operator_is_told_that_a_user_lacks_a_right(server: ComposeRedis) -> None:
    settings = clean_settings().model_copy(update={"redis_url": server.url("gateway")})
    with Redis.from_url(settings.redis_url) as gateway, pytest.raises(NoPermissionError) as refused:
        gateway.scan()

    words = in_words(refused.value, settings)
    assert words is not None
    assert words.startswith("Redis does not allow this to its user gateway: ")


def test_the_gateway_alone_counts_requests(operator: Redis) -> None:
    assert [user for user in EVERYBODY if may(operator, user, "LPUSH reelworks:limits/x 1")] == ["gateway"]
    assert may(operator, "gateway", "EVALSHA x 1 reelworks:limits/x")


STREAMS = (STREAM, stream_of(UUID(int=1)))


@pytest.mark.parametrize("user", EVERYBODY)
@pytest.mark.parametrize("stream", STREAMS)
def test_streams_of_events_are_written_by_notify_and_read_by_services(operator: Redis, user: str, stream: str) -> None:
    writes = {f"XADD {stream} 1-0 id 1", f"XTRIM {stream} MAXLEN 1", f"DEL {stream}", f"WATCH {stream}"}
    reads = {
        f"XREAD COUNT 1 STREAMS {stream} 0", f"XREADGROUP GROUP g c STREAMS {stream} >", f"XACK {stream} g 1-0",
        f"XAUTOCLAIM {stream} g c 1 0", f"XGROUP CREATE {stream} g 0 MKSTREAM", f"XPENDING {stream} g",
    }  # fmt: skip
    assert {command for command in writes if may(operator, user, command)} == (writes if user == Role.NOTIFY else set())
    assert {command for command in reads if may(operator, user, command)} == (reads if user == "events" else set())
    for command in (f"XDEL {stream} 1-0", f"XGROUP DESTROY {stream} g"):
        assert not may(operator, user, command), command
