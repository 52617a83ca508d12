"""The world of one run: customers, generations, vendors, the waker's mailbox, and the actors."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from uuid import UUID, uuid5

from kombu.exceptions import OperationalError as QueueTrouble
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from providers.base import Provider
from providers.registry import Providers
from schemas.enums import Queue, Stage
from schemas.errors import RequestError
from schemas.names import ProviderName
from schemas.orders import GenerationRequest
from schemas.setting_groups import ProvidersSettings
from schemas.stages import WORK
from storage import acceptance, callbacks, cancellation
from storage.database import Database
from storage.generations import Wake
from storage.leases import LeaseKeeper
from storage.outages import OUTAGES
from storage.runs_to_stop import StopWake
from storage.sql import of
from tasks import pipeline
from tasks.services import WorkerServices
from tasks.wake import wake
from tests.model.actors import Accident, Actor, Died, Trouble, mood, name
from tests.model.clock import Clock
from tests.model.files import Files
from tests.model.moods import Mood
from tests.model.vendor import Vendor, Work
from tests.support import empty, new_customer
from workers.dispatch import Dispatcher

_CREDITS = (35, 100)

# The errors that may end a task or a request. The row's `wake_at` brings the work back, or the customer gets an error.
_EXPECTED = (Died, RequestError, *OUTAGES)


class Ids:
    """Replaces `uuid4`: the same ids in every run, in order of acceptance."""

    def __init__(self) -> None:
        self._last = 0

    def __call__(self) -> UUID:
        """The next id."""
        self._last += 1
        return UUID(int=self._last)

    def start_again(self) -> None:
        """Restart at 1."""
        self._last = 0


@dataclass(frozen=True)
class Ground:
    """The parts that all runs share."""

    services: WorkerServices
    """The parts of a worker process."""
    clock: Clock
    """The clock."""
    ids: Ids
    """The ids of generations."""
    files: Files
    """The vendor's results."""
    crashes: list[BaseException]
    """The errors that a step did not expect, as logged."""

    @property
    def database(self) -> Database:
        """The database of the services."""
        return self.services.database


@dataclass
class World:
    """One run. An actor performs every action in it."""

    ground: Ground
    """The shared parts."""
    book: list[Work] = field(default_factory=list)
    """The creates that the vendors accepted."""
    mailbox: "Mailbox" = field(init=False)
    """The sent messages."""
    customers: list[UUID] = field(default_factory=list)
    """The customers' ids."""
    paused: list["Doing"] = field(default_factory=list)
    """The paused actors."""
    breaches: list[str] = field(default_factory=list)
    """Forbidden acts of an actor, found while it acted."""
    acted: set[str] = field(default_factory=set)
    """The actors since the last clearing."""
    _actors: int = 0
    """The number of actors so far."""

    def __post_init__(self) -> None:
        empty(self.ground.database)
        # The audit lists every object. Objects of earlier runs would slow it down more and more.
        for left in self.ground.services.objects.list("customers/"):
            self.ground.services.objects.remove(left.key)
        self.customers = [new_customer(self.ground.database, amount).id for amount in _CREDITS]
        self.mailbox = Mailbox(self.ground.database)
        # What a process has seen of routes and accounts: a story must not depend on the one before.
        self.ground.services.gate.forget_view()
        self.ground.services.health._answers.clear()
        self.ground.clock.start_again()
        self.ground.ids.start_again()
        self.ground.crashes.clear()

    def order(self, customer: int, model: str, *, key: str | None, accident: Accident | None) -> None:
        """A customer orders."""

        def act(services: WorkerServices) -> None:
            with services.database.transaction() as session:
                accepted = acceptance.accept(
                    of(session),
                    self.customers[customer],
                    GenerationRequest(model=model, prompt="a lighthouse"),
                    services.catalogue.order,
                    services.settings.pipeline,
                    idempotency_key=key,
                )
                row = accepted.generation
            if accepted.is_new:
                services.dispatcher.wake(Wake(row.id, row.stage, row.attempt))

        self._do("a customer's order", act, accident, Mood())

    def deliver(self, message: Wake, mood: Mood, accident: Accident | None = None) -> None:
        """A worker takes a message."""
        task = WORK[message.stage].task
        stages = [each for each, work in WORK.items() if work.task is task]

        def act(services: WorkerServices) -> None:
            pipeline.run(services, str(message.generation_id), message.attempt, stages)

        self._do(f"{message.stage} of {message.generation_id}", act, accident, mood)

    def wake(self, mood: Mood, accident: Accident | None = None) -> None:
        """The waker makes its round."""
        self._do("the waker", wake, accident, mood)

    def call_back(self, work: Work, body: bytes, accident: Accident | None) -> None:
        """A vendor calls back."""

        def act(services: WorkerServices) -> None:
            with services.database.transaction() as session:
                due = callbacks.record(
                    of(session), work.provider, work.generation_id, remote_id=work.remote_id, body=body, resend_after=10
                ).wake
            if due is not None:
                services.dispatcher.wake(due)

        self._do("a vendor's callback", act, accident, Mood())

    def cancel(self, generation_id: UUID, accident: Accident | None) -> None:
        """A customer cancels."""
        owner = self._owner(generation_id)

        def act(services: WorkerServices) -> None:
            with services.database.transaction() as session:
                row = cancellation.request(
                    session,
                    generation_id,
                    customer_id=owner,
                    rule_of=lambda order, index: services.catalogue.cancel_rule(order.model, order.routes[index]),
                )
            if row.wake_at is not None and row.lease_token is None:
                services.dispatcher.wake(Wake(row.id, row.stage, row.attempt))

        self._do("the customer's cancelling", act, accident, Mood())

    def pass_time(self, seconds: float, *, frozen: Iterable[int] = ()) -> None:
        """Time passes. The keepers of paused workers renew their leases, except those of `frozen` workers."""
        renewing = [doing for number, doing in enumerate(self.paused) if number not in set(frozen)]
        stride = 0.9 * self.ground.services.settings.pipeline.lease_seconds if renewing else seconds
        while seconds > 0:
            self.ground.clock.advance(min(seconds, stride))
            seconds -= stride
            for doing in list(renewing):
                try:
                    doing.leases.renew()
                except SQLAlchemyError:
                    # The worker has locked its own row and will renew the lease.
                    renewing.remove(doing)

    def go_on(self, number: int, trouble: Trouble | None) -> None:
        """A paused actor resumes, or meets its trouble."""
        doing = self.paused.pop(number)
        self._advance(doing, trouble)

    def stop(self) -> None:
        """End every paused actor."""
        while self.paused:
            self.paused.pop().actor.go_on(Trouble.DEATH)

    def generations(self) -> list[UUID]:
        """All accepted generations, oldest first."""
        return self._ids("SELECT id FROM generations ORDER BY id")

    def unfinished(self) -> list[UUID]:
        """The generations that a worker must claim again."""
        return self._ids("SELECT id FROM generations WHERE wake_at IS NOT NULL ORDER BY id")

    def next_message(self, generation_id: UUID) -> Wake | None:
        """The message that would advance a generation. None if the generation is finished."""
        query = text("SELECT stage, attempt FROM generations WHERE id = :id AND wake_at IS NOT NULL")
        with self.ground.database.transaction() as session:
            row = session.execute(query, {"id": generation_id}).one_or_none()
        return None if row is None else Wake(generation_id, Stage(row.stage), row.attempt)

    def pass_time_to_next_wake(self) -> bool:
        """Let time pass until a generation is due. False if none is left."""
        query = text("SELECT extract(epoch FROM min(wake_at) - now()) FROM generations WHERE wake_at IS NOT NULL")
        with self.ground.database.transaction() as session:
            seconds = session.execute(query).scalar_one()
        if seconds is None:
            return False
        self.ground.clock.advance(max(0.0, float(seconds)) + 0.001)
        return True

    def timeline(self) -> str:
        """The story of each generation, for people."""
        query = text("SELECT generation_id, origin, stage, name, data FROM events ORDER BY id")
        with self.ground.database.transaction() as session:
            events = session.execute(query).all()
        return "\n".join(
            f"{event.generation_id.int}: {event.origin} -> {event.stage} {event.name} {event.data}" for event in events
        )

    def _ids(self, query: str) -> list[UUID]:
        with self.ground.database.transaction() as session:
            return list(session.execute(text(query)).scalars())

    def _owner(self, generation_id: UUID) -> UUID:
        query = text("SELECT customer_id FROM generations WHERE id = :id")
        with self.ground.database.transaction() as session:
            owner: UUID = session.execute(query, {"id": generation_id}).scalar_one()
        return owner

    def _do(self, what: str, act: Callable[[WorkerServices], object], accident: Accident | None, mood: Mood) -> None:
        services = self.ground.services
        self._actors += 1
        pipeline = services.settings.pipeline.model_copy(update={"joins_stages": mood.joins_stages})
        own = replace(
            services,
            settings=services.settings.model_copy(update={"pipeline": pipeline}),
            worker_name=f"actor {self._actors}, {what}",
            leases=LeaseKeeper(services.database, lease_seconds=services.settings.pipeline.lease_seconds),
            dispatcher=self.mailbox,
            providers=_Vendors(services.settings.providers, self._vendor),
        )
        self._advance(Doing(Actor(own.worker_name, lambda: act(own), mood, accident), own.leases))

    def _advance(self, doing: "Doing", trouble: Trouble | None = None) -> None:
        actor = doing.actor
        self.mailbox.unsent.clear()
        self.acted.add(actor.name)
        actor.go_on(trouble)
        if not actor.is_done:
            self.paused.append(doing)
        elif actor.error is None:
            self._check_end(actor)
        elif not isinstance(actor.error, _EXPECTED):
            raise actor.error
        assert not self.breaches, self.breaches

    def _check_end(self, actor: Actor) -> None:
        """The effects of an actor that ended well."""
        if actor.has_waited_in_vain:
            return
        forgotten = [remote_id for remote_id in actor.learned if not self._is_written_down(remote_id)]
        assert not forgotten, f"{actor.name} was told of {forgotten}, and wrote nothing down"
        if not actor.was_troubled:
            delayed = [wake for wake in self.mailbox.unsent if not self._is_due(wake)]
            assert not delayed, f"{actor.name} could not send {delayed}, and left it until later"

    def _is_due(self, wake: Wake) -> bool:
        query = text("SELECT wake_at <= now() OR attempt <> :attempt FROM generations WHERE id = :id")
        with self.ground.database.transaction() as session:
            values = {"id": wake.generation_id, "attempt": wake.attempt}
            return bool(session.execute(query, values).scalar_one())

    def _is_written_down(self, remote_id: str) -> bool:
        query = text("SELECT EXISTS (SELECT FROM events WHERE data ->> 'remote_id' = :remote_id)")
        with self.ground.database.transaction() as session:
            return bool(session.execute(query, {"remote_id": remote_id}).scalar_one())

    def _vendor(self, name: ProviderName) -> Vendor:
        return Vendor(name, self.book, self.ground.files, self._on_departure)

    def _on_departure(self, reference: UUID) -> tuple[UUID, int]:
        generation_id = self._generation_of(reference)
        query = text("""
            SELECT lease_until IS NOT NULL AND lease_until > now() AS is_held, holder, (
                SELECT count(*) FROM events WHERE generation_id = g.id AND origin = 'submitting' AND stage = 'queued'
                AND (data ->> 'reason' LIKE 'outcome unknown: sent again%' OR data ? 'times')
            ) AS resends
            FROM generations g WHERE id = :id
        """)
        with self.ground.database.transaction() as session:
            row = session.execute(query, {"id": generation_id}).one()
        if not row.is_held or row.holder != name():
            self.breaches.append(f"{name()} let a create leave without a lease on {generation_id}")
        resends: int = row.resends
        return generation_id, resends

    def _generation_of(self, reference: UUID) -> UUID:
        """The generation of a run. Later runs of it have references that are made from its id."""
        with self.ground.database.transaction() as session:
            for row in session.execute(text("SELECT id, jsonb_array_length(lost_runs) AS lost FROM generations")):
                runs = (uuid5(row.id, f"run {number}") for number in range(2, row.lost + 2))
                if reference in {row.id, *runs}:
                    found: UUID = row.id
                    return found
        raise AssertionError(f"a create left with the reference {reference}, which no generation has")


@dataclass(frozen=True)
class Doing:
    """An actor with the keeper that renews its leases while its process runs."""

    actor: Actor
    """The actor."""
    leases: LeaseKeeper
    """Renews the actor's leases."""


class Mailbox(Dispatcher):
    """The real dispatcher, with queues in memory that may be full."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.messages: list[Wake] = []
        self.unsent: list[Wake] = []
        """Messages of the newest actor that the queues did not take."""

    def _try(self, wake: Wake) -> bool:
        if mood().queues_are_full:
            self.unsent.append(wake)
            return False
        self.messages.append(wake)
        return True

    def wake_all(self, wakes: Iterable[Wake]) -> None:
        """Take many messages."""
        if mood().queues_are_full:
            raise QueueTrouble("the model's queues are away")
        self.messages += sorted(wakes, key=lambda wake: wake.generation_id)

    def wake_variants(self, count: int) -> None:
        """No story orders variants."""

    def wake_stops(self, wakes: Iterable[StopWake]) -> None:
        """No story looks at runs that were given up."""

    def taken(self) -> list[Wake]:
        """Remove and return all messages."""
        messages, self.messages = self.messages, []
        return messages

    def room(self) -> Mapping[Queue, int]:
        """No limit."""
        return dict.fromkeys(Queue, 64)


class _Vendors(Providers):
    """The registry of a process whose vendors are all the model's."""

    def __init__(self, settings: ProvidersSettings, vendor: Callable[[ProviderName], Vendor]) -> None:
        super().__init__(settings)
        self._vendor = vendor

    def get(self, name: ProviderName) -> Provider:
        """A vendor. Its only state is the book."""
        return self._vendor(name)

    def bills_nothing(self, name: ProviderName) -> bool:
        """Servers of one's own."""
        return self._vendor(name).profile.bills_nothing

    def calls_back(self, name: ProviderName) -> bool:
        """Every vendor does."""
        return self._vendor(name).profile.calls_back
