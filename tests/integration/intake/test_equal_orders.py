"""An order that a client sends again without a key is one generation and one hold, however its attempts come."""

import base64
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from itertools import permutations
from uuid import UUID

import pytest
from sqlalchemy import text

from api_gateway import create_app
from intake.digests import Digest, value_of
from intake.orders import Intake, Payer
from schemas.batches import parts_of
from schemas.enums import ErrorCode, SweepKind
from schemas.errors import InsufficientCredits
from schemas.orders import GenerationRequest
from schemas.setting_groups import IntakeSettings, RetentionSettings
from schemas.settings import Settings
from storage import deletion, ledger
from storage.database import Database
from storage.ledger import Balance
from storage.objects import ObjectStore
from storage.sweeps import sweep
from tests.integration.gateway.finishing import complete, fail
from tests.integration.gateway.serving import serving
from tests.integration.intake.conftest import Door, http_door, redis_door_of
from tests.integration.intake.raw_messages import served
from tests.integration.intake.test_doors import PICTURE
from tests.support import NewCustomer, new_customer, until_sessions_wait

PRICE = 4
KEY = UUID(int=1)
REQUEST = GenerationRequest(model="nano-banana", prompt="a lighthouse in fog")

Take = Callable[[Digest], UUID]


@pytest.fixture
def customer(make_customer: Callable[[int], NewCustomer]) -> NewCustomer:
    """A customer with 100 credits."""
    return make_customer(100)


@pytest.fixture
def take(intake: Intake, customer: NewCustomer) -> Take:
    """Takes the same order with a digest; the id of its generation."""
    return lambda digest: intake.take(REQUEST, Payer(customer.id), digest=digest).generation.id


@pytest.fixture
def helpers() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(20) as pool:
        yield pool


def attempt(count: int, *, began_at: float | None = None, value: str = "an order", key_id: UUID | None = KEY) -> Digest:
    return Digest(key_id, value, count, time.monotonic() if began_at is None else began_at)


def generations(database: Database, customer: NewCustomer) -> int:
    """The generations of a customer, of which each has a hold."""
    with database.transaction() as session:
        count: int = session.execute(
            text("SELECT count(*) FROM generations WHERE customer_id = :id"), {"id": customer.id}
        ).scalar_one()
        assert ledger.balance(session, customer.id) == Balance(available=100 - PRICE * count, held=PRICE * count)
    return count


def make_older(database: Database, seconds: float) -> None:
    """Move the digests back by this age."""
    with database.transaction() as session:
        by = f"created_at - interval '{seconds} s'"
        session.execute(
            text(f"UPDATE order_digests SET created_at = {by}, expires_at = expires_at - interval '1 hour'")
        )


def test_retry_returns_the_generation_of_the_first_attempt(
    take: Take, intake: Intake, database: Database, customer: NewCustomer
) -> None:
    first = take(attempt(0))
    again = intake.take(REQUEST, Payer(customer.id), digest=attempt(1))
    assert (again.generation.id, again.is_new) == (first, False)
    assert take(attempt(2)) == first
    assert generations(database, customer) == 1


def test_equal_orders_that_are_no_retries_are_two_generations(
    take: Take, database: Database, customer: NewCustomer
) -> None:
    first, second = take(attempt(0)), take(attempt(0))
    assert first != second
    assert take(attempt(1)) == second
    assert generations(database, customer) == 2


def test_retry_whose_first_attempt_was_never_recorded_is_an_order(
    take: Take, database: Database, customer: NewCustomer
) -> None:
    first = take(attempt(1))
    assert take(attempt(2)) == first
    assert generations(database, customer) == 1


def test_retry_of_an_order_that_is_too_old_is_an_order(take: Take, database: Database, customer: NewCustomer) -> None:
    first = take(attempt(0))
    make_older(database, IntakeSettings().retry_window_seconds - 300)
    assert take(attempt(1)) == first
    make_older(database, 600)
    assert take(attempt(1)) != first
    assert generations(database, customer) == 2


@pytest.mark.parametrize(
    "other", [attempt(1, key_id=UUID(int=2)), attempt(1, key_id=None), attempt(1, value="another order")]
)
def test_retry_of_another_key_or_order_is_an_order(
    take: Take, database: Database, customer: NewCustomer, other: Digest
) -> None:
    assert take(attempt(0)) != take(other)
    assert generations(database, customer) == 2


def test_customers_of_one_key_never_share_a_generation(
    intake: Intake, take: Take, database: Database, customer: NewCustomer
) -> None:
    stranger = new_customer(database, 100)
    first = take(attempt(0))
    assert intake.take(REQUEST, Payer(stranger.id), digest=attempt(1)).generation.id != first
    assert (generations(database, customer), generations(database, stranger)) == (1, 1)


def schedules() -> list[tuple[str, ...]]:
    """Every order of the events of three attempts: a client begins an attempt after the one before."""
    events = [f"{verb} {count}" for verb in ("begin", "take") for count in range(3)]
    before = [("begin 0", "begin 1"), ("begin 1", "begin 2"), *((f"begin {n}", f"take {n}") for n in range(3))]
    return [
        order for order in permutations(events) if all(order.index(one) < order.index(other) for one, other in before)
    ]


def test_three_attempts_are_one_generation_in_every_order_of_their_events(
    take: Take, database: Database, customer: NewCustomer
) -> None:
    assert len(schedules()) == 15
    for number, schedule in enumerate(schedules()):
        digests: dict[str, Digest] = {}
        made: set[UUID] = set()
        for event in schedule:
            verb, count = event.split()
            if verb == "begin":
                digests[count] = attempt(int(count), value=f"order {number}")
            else:
                made.add(take(digests[count]))
        assert len(made) == 1, schedule
    assert generations(database, customer) == 15


def test_order_that_begins_after_the_retry_of_another_one_is_an_order(
    take: Take, database: Database, customer: NewCustomer
) -> None:
    first = take(attempt(1))
    assert take(attempt(0)) != first
    assert generations(database, customer) == 2


def locked(database: Database, customer: NewCustomer, ends: ExitStack) -> None:
    """Lock the customer, so that an order stops in the middle of its transaction."""
    session = ends.enter_context(database.transaction())
    session.execute(text("SELECT FROM customers WHERE id = :id FOR UPDATE"), {"id": customer.id})


@pytest.mark.parametrize("counts", [(0, 1), (1, 0), (1, 2)])
def test_attempt_that_comes_while_another_is_being_taken_returns_its_generation(
    take: Take, database: Database, customer: NewCustomer, helpers: ThreadPoolExecutor, counts: tuple[int, int]
) -> None:
    began_at = time.monotonic()
    with ExitStack() as ends:
        locked(database, customer, ends)
        first = helpers.submit(take, attempt(counts[0]))
        until_sessions_wait(database, 1)
        second = helpers.submit(take, attempt(counts[1], began_at=began_at))
        until_sessions_wait(database, 2)
    assert first.result() == second.result()
    assert generations(database, customer) == 1


def test_first_attempt_that_waits_for_its_retry_still_counts_from_its_arrival(
    take: Take, database: Database, customer: NewCustomer, helpers: ThreadPoolExecutor
) -> None:
    """The retry holds the lock, and is recorded before the first attempt gets the lock."""
    with ExitStack() as ends:
        locked(database, customer, ends)
        retry = helpers.submit(take, attempt(1))
        until_sessions_wait(database, 1)
        first = helpers.submit(take, attempt(0))
        until_sessions_wait(database, 2)
        time.sleep(0.3)  # the wait for the lock must not count as a later arrival
    assert first.result() == retry.result()
    assert generations(database, customer) == 1


@pytest.mark.parametrize("has_first", [True, False])
def test_twenty_parallel_retries_are_one_generation(
    take: Take, database: Database, customer: NewCustomer, helpers: ThreadPoolExecutor, *, has_first: bool
) -> None:
    made = {take(attempt(0))} if has_first else set()
    sent: list[Future[UUID]] = [helpers.submit(take, attempt(1 + number % 2)) for number in range(20)]
    assert len(made | {each.result() for each in sent}) == 1
    assert generations(database, customer) == 1


def test_retry_of_a_batch_returns_the_batch(intake: Intake, database: Database, customer: NewCustomer) -> None:
    parts = parts_of(REQUEST.model_copy(update={"number_of_outputs": 3}))
    first = intake.take_batch(parts, Payer(customer.id), digest=attempt(0))
    again = intake.take_batch(parts, Payer(customer.id), digest=attempt(1))
    assert (again.id, again.is_new) == (first.id, False)
    assert generations(database, customer) == 3


def test_retry_with_files_needs_no_credits(
    intake: Intake, database: Database, make_customer: Callable[[int], NewCustomer]
) -> None:
    picture = f"data:image/png;base64,{base64.b64encode(PICTURE).decode()}"
    request = GenerationRequest(model="nano-banana-edit", prompt="a lighthouse", image_urls=[picture])
    customer = make_customer(PRICE)
    first = intake.take(request, Payer(customer.id), digest=attempt(0))
    assert intake.take(request, Payer(customer.id), digest=attempt(1)).generation.id == first.generation.id
    with pytest.raises(InsufficientCredits):
        intake.take(request, Payer(customer.id), digest=attempt(0))


def test_idempotency_key_wins_over_the_digest(intake: Intake, database: Database, customer: NewCustomer) -> None:
    def order(key: str) -> UUID:
        return intake.take(REQUEST, Payer(customer.id), idempotency_key=key, digest=attempt(1)).generation.id

    assert order("one") == order("one")
    assert order("one") != order("two")
    assert generations(database, customer) == 2


def test_retry_of_a_generation_without_a_result_is_an_order(
    take: Take, database: Database, objects: ObjectStore, settings: Settings, customer: NewCustomer
) -> None:
    """A generation that failed without a charge, or is deleted, is no answer to a client that asks again."""
    failed = take(attempt(0))
    fail(database, settings, failed, ErrorCode.TIMEOUT, "too late")
    deleted = take(attempt(1))
    complete(database, settings, objects, deleted, b"a picture")
    assert take(attempt(1)) == deleted
    deletion.delete(database, objects, deleted, customer_id=customer.id)
    assert take(attempt(1)) not in {failed, deleted}


def test_retry_of_a_batch_returns_the_batch_while_one_of_its_generations_is_left(
    intake: Intake, database: Database, settings: Settings, customer: NewCustomer
) -> None:
    parts = parts_of(REQUEST.model_copy(update={"number_of_outputs": 2}))
    batch = intake.take_batch(parts, Payer(customer.id), digest=attempt(0))
    for number, generation in enumerate(batch.generations):
        again = intake.take_batch(parts, Payer(customer.id), digest=attempt(1))
        assert (again.id, again.is_new) == (batch.id, False), number
        fail(database, settings, generation.id, ErrorCode.TIMEOUT, "too late")
    assert intake.take_batch(parts, Payer(customer.id), digest=attempt(1)).is_new


def test_attempt_that_its_retry_has_overtaken_is_no_order_although_the_retry_has_failed(
    take: Take, database: Database, settings: Settings, customer: NewCustomer
) -> None:
    slow = attempt(0)
    retry = take(attempt(1))
    fail(database, settings, retry, ErrorCode.TIMEOUT, "too late")
    assert take(slow) == retry


def test_attempt_whose_retry_got_an_earlier_generation_gets_that_generation(
    take: Take, database: Database, customer: NewCustomer
) -> None:
    """The client has the answer to the retry. A charge for the slow attempt would have no reader."""
    earlier = take(attempt(0))
    slow = attempt(0)
    assert take(attempt(1)) == earlier
    assert take(slow) == earlier
    assert take(attempt(0)) != earlier
    assert generations(database, customer) == 2


def test_sweep_removes_digests_that_no_order_looks_for(take: Take, database: Database, objects: ObjectStore) -> None:
    def swept(*, is_dry: bool) -> int:
        (found,) = sweep(database, objects, RetentionSettings(), kinds={SweepKind.DIGESTS}, is_dry=is_dry)
        return found.total.count

    take(attempt(0))
    assert swept(is_dry=False) == 0
    make_older(database, 3600)
    take(attempt(0))
    assert (swept(is_dry=True), swept(is_dry=False), swept(is_dry=False)) == (1, 1, 0)


def test_digest_of_an_order_depends_on_its_operation_fields_and_files() -> None:
    value = value_of("images.edit", {"prompt": "a", "n": 1}, {"image": "hash"})
    assert value == value_of("images.edit", {"n": 1, "prompt": "a"}, {"image": "hash"})
    others = [
        value_of("videos.create", {"prompt": "a", "n": 1}, {"image": "hash"}),
        value_of("images.edit", {"prompt": "b", "n": 1}, {"image": "hash"}),
        value_of("images.edit", {"prompt": "a", "n": 1}, {"image": "another"}),
        value_of("images.edit", {"prompt": "a", "n": 1}, {"mask": "hash"}),
        value_of("images.edit", {"prompt": "a", "n": 1, "user": "u"}, {"image": "hash"}),
    ]
    assert len({value, *others}) == 6


WINDOW = IntakeSettings(digest_window_seconds=600)


@pytest.fixture
def over_redis_with_window(intake: Intake, settings: Settings) -> Door:
    """`generation.enqueue` of an operator who has set a window."""
    return redis_door_of(replace(intake, settings=settings.model_copy(update={"intake": WINDOW})))


def test_window_makes_equal_messages_one_order(
    over_redis_with_window: Door, over_redis: Door, database: Database, customer: NewCustomer
) -> None:
    order = {"model": "nano-banana", "prompt": "a boat"}
    first, again = (over_redis_with_window(customer, order, None) for _ in range(2))
    assert (again.id, again.is_new) == (first.id, False)
    assert over_redis_with_window(customer, {**order, "prompt": "a ship"}, None).is_new
    assert over_redis_with_window(customer, order, "a-key").is_new
    # Without a window, equal messages are two orders.
    assert over_redis(customer, order, None).id != over_redis(customer, order, None).id
    assert generations(database, customer) == 5


def test_window_is_over_after_its_time(over_redis_with_window: Door, database: Database, customer: NewCustomer) -> None:
    order = {"model": "nano-banana", "prompt": "a boat"}
    first = over_redis_with_window(customer, order, None)
    make_older(database, 605)
    assert over_redis_with_window(customer, order, None).id != first.id


def test_message_that_comes_again_after_the_window_is_the_order_that_it_matched(
    intake: Intake, settings: Settings, database: Database, customer: NewCustomer
) -> None:
    with_window = replace(intake, settings=settings.model_copy(update={"intake": WINDOW}))
    arguments: dict[str, object] = {"customer_id": str(customer.id), "request": {"prompt": "a boat", "kind": "image"}}
    first = served(with_window, arguments, message_id="one")
    assert served(with_window, arguments, message_id="two")["id"] == first["id"]
    make_older(database, 605)
    again = served(with_window, arguments, message_id="two")
    assert (again["id"], again["is_new"]) == (first["id"], False)
    assert served(with_window, arguments, message_id="three")["id"] != first["id"]


def test_window_keeps_a_batch_of_one_request_apart_from_the_single_order(
    intake: Intake, settings: Settings, customer: NewCustomer
) -> None:
    with_window = replace(intake, settings=settings.model_copy(update={"intake": WINDOW}))
    single = with_window.take(REQUEST, Payer(customer.id))
    batch = with_window.take_batch(parts_of(REQUEST), Payer(customer.id))
    assert batch.is_new
    assert batch.generations[0].id != single.generation.id
    assert with_window.take_batch(parts_of(REQUEST), Payer(customer.id)).id == batch.id


def test_window_makes_equal_requests_of_a_key_one_order(
    settings: Settings, database: Database, customer: NewCustomer
) -> None:
    order = {"model": "nano-banana", "prompt": "a boat"}
    with serving(create_app(settings.model_copy(update={"intake": WINDOW}))) as client:
        door = http_door(client)
        first, again = (door(customer, order, None) for _ in range(2))
        assert (again.id, again.is_new) == (first.id, False)
        assert door(customer, order, "a-key").is_new
        two = {**order, "number_of_outputs": 2}
        batches = [client.post("/v1/generations", json=two, headers=customer.headers).json()["id"] for _ in range(2)]
    assert len(set(batches)) == 1
    assert generations(database, customer) == 4
