"""Measures webhooks: 10,000 messages wait for an endpoint that hangs, and 1,000 go to others."""

from dataclasses import dataclass
from ipaddress import ip_network
from uuid import UUID

from sqlalchemy import text

from bench.figures.percentiles import percentiles
from bench.figures.results import GENERATIONS, Measure, Outcome, over_rounds
from bench.instruments.meter import Meter
from bench.load.drain import wait_for
from bench.load.receiver import HANGS, Received, WebhookReceiver
from bench.load.senders import Sender
from bench.progress import Steps
from bench.running_stack import RunningStack, image_door, new_customer, process_ids, running_stack
from bench.scenario import RunContext
from bench.subjects.reelworks import NAME as REELWORKS
from bench.subjects.reelworks import problems
from schemas.event_types import EventType
from schemas.setting_groups import SandboxSettings
from schemas.settings import Settings
from schemas.webhook_settings import WebhookSettings
from schemas.webhook_tables import WebhookEndpoint
from stack.ports import free_port
from storage.database import Database

NAME = "webhooks"
DELIVERY = "event → endpoint"

_NOTIFY = "worker-notify"
_CUSTOMERS = 10
_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

# Events of one generation. The trigger makes their deliveries.
_BACKLOG = text("""
    INSERT INTO events (generation_id, customer_id, origin, stage, progress, data)
    SELECT id, customer_id, 'queued', 'submitting', 5, '{}'
    FROM (SELECT id, customer_id FROM generations WHERE customer_id = :customer_id LIMIT 1) AS one,
        generate_series(1, :count)
""")


@dataclass(frozen=True)
class _Size:
    hanging: int
    """The messages that wait for the endpoint that hangs."""
    others: int
    """The messages to the others."""


class Webhooks:
    """The ends of 1,000 generations go to ten endpoints, beside an endpoint that hangs."""

    name = NAME

    def measure(self, context: RunContext) -> list[Outcome]:
        """Measure the same case in every round, on one system."""
        size = _Size(500, 50) if context.quick else _Size(10_000, 1_000)
        rounds = []
        with (
            WebhookReceiver(free_port()) as receiver,
            running_stack(context, settings=_settings()) as running,
            Steps(context, NAME, context.rounds) as steps,
        ):
            customers = [new_customer(running.database) for _ in range(_CUSTOMERS)]
            keys = [key for _, key in customers]
            for number, (customer_id, _) in enumerate(customers):
                _listen(running.database, customer_id, f"{receiver.url}/{number}", EventType.COMPLETED)
            # The endpoint that hangs belongs to a customer who has another one, too.
            first = customers[0][0]
            _listen(running.database, first, receiver.url + HANGS, EventType.MOVED)
            _order(running, keys[0], 1)
            _until(receiver, 1)
            with running.database.transaction() as session:
                session.execute(_BACKLOG, {"customer_id": first, "count": size.hanging})
            for number in range(1, context.rounds + 1):
                steps.begin(f"round {number}, {size.others} messages beside {size.hanging:,}")
                rounds.append(_round(running, receiver, keys, size))
            rounds[-1].problems.extend(problems(running.stack.settings, running.database))
        return [over_rounds(rounds)]


def _settings() -> Settings:
    update = {
        "webhooks": WebhookSettings(allow_http=True, allowed_private_networks=[ip_network("127.0.0.0/8")]),
        "sandbox": SandboxSettings(port=0, seconds_per_image=1),
    }
    return Settings(_env_file=None).model_copy(update=update)


def _listen(database: Database, customer_id: UUID, url: str, kind: EventType) -> None:
    with database.transaction() as session:
        session.add(WebhookEndpoint(customer_id=customer_id, url=url, types=[kind], secret=_SECRET))


def _order(running: RunningStack, key: str, count: int) -> None:
    with Sender(image_door(running.stack, key)) as sender:
        for _ in range(count):
            sender.send()


def _round(running: RunningStack, receiver: WebhookReceiver, keys: list[str], size: _Size) -> Outcome:
    before = receiver.results()
    with Meter(process_ids(running.stack)) as meter:
        for key in keys:
            _order(running, key, size.others // len(keys))
        received = _until(receiver, len(before.ids) + size.others)
    seconds = received.seconds[len(before.seconds) :]
    used = next(part.cpu_seconds[0] for part in meter.use() if part.part == _NOTIFY)
    return Outcome(
        scenario=NAME,
        case=f"{size.others:,} messages beside {size.hanging:,} to an endpoint that hangs",
        subject=REELWORKS,
        measures=[
            *percentiles(DELIVERY, seconds),
            Measure(what="messages", unit="", values=[len(seconds)]),
            Measure(what="notify's processor time for a message", unit="ms", values=[1000 * used / len(seconds)]),
            Measure(what="tries at the endpoint that hangs", unit="", values=[received.hanging - before.hanging]),
            Measure(what=GENERATIONS, unit="", values=[size.others]),
        ],
        parts=meter.use(),
        problems=_wrong(received, len(before.ids) + size.others),
    )


def _until(receiver: WebhookReceiver, count: int) -> Received:
    """Wait for so many different messages. Give up if nothing comes for a minute."""
    wait_for(lambda: len(set(receiver.results().ids)), count)
    return receiver.results()


def _wrong(received: Received, count: int) -> list[str]:
    found = len(set(received.ids))
    return [f"{found} of {count} messages came"] if found != count else []
