"""Opens the clients of a worker process at its start, and closes them at its end."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from celery import Celery

from admission.gate import Gate
from admission.health import RouteHealth
from admission.routes import Routes
from intake.orders import Intake
from media import decoder
from notify.announcements import Announcer
from providers.catalogue import Catalogue
from providers.http.addresses import AddressPolicy
from providers.registry import Providers, accounts_of
from schemas.enums import Queue
from schemas.settings import Settings
from schemas.shares import Shares
from storage.database import Database
from storage.leases import LeaseKeeper
from storage.objects import ObjectStore
from storage.variants import claims as variants
from tasks.services import WorkerServices
from tasks.threads import Threads
from tasks.usual_times import UsualTimes
from workers.dispatch import Dispatcher
from workers.stage_events import StageEvents

# However much work of one provider account waits, the work of others has these threads.
_THREADS_FOR_OTHERS = 2


@contextmanager
def open_services(
    app: Celery, settings: Settings, *, worker_name: str, queues: Iterable[Queue] = (), threads: int = 1
) -> Iterator[WorkerServices]:
    """The clients of a process with so many threads. `queues` are the queues that the process serves."""
    database = Database(settings.database_url, pool_size=settings.database_pool_size)
    objects = ObjectStore(settings.s3)
    policy = AddressPolicy(settings.downloads.allowed_private_networks)
    providers = Providers(accounts_of(settings), policy, public_url=settings.public_url)
    if not {Queue.DOWNLOAD, Queue.STORE}.isdisjoint(queues):
        decoder.start()
    if Queue.SUBMIT in queues:
        providers.warn_of_polling()
    dispatcher = Dispatcher(app, settings.pipeline, database)
    announcer = Announcer(settings.redis_url)
    gate = Gate(
        database, settings.admission, providers.limits(), dispatcher.wake,
        wake_in=settings.pipeline.resend_after_seconds,
    )  # fmt: skip
    if Queue.SUBMIT in queues:
        gate.declare()
    health = RouteHealth(database, settings.admission, gate)
    catalogue = Catalogue.load(providers.offer(), settings.prices, providers.servers())
    leases = LeaseKeeper(database, lease_seconds=settings.pipeline.lease_seconds).start()
    variant_leases = LeaseKeeper(
        database, lease_seconds=settings.pipeline.lease_seconds, renew=variants.renew_leases,
        hand_back=variants.hand_back,
    ).start()  # fmt: skip
    try:
        yield WorkerServices(
            settings=settings,
            database=database,
            objects=objects,
            providers=providers,
            catalogue=catalogue,
            leases=leases,
            dispatcher=dispatcher,
            announce=announcer.announce,
            tell=StageEvents().tell,
            queues=frozenset(queues),
            gate=gate,
            health=health,
            routes=Routes(database, gate, health, catalogue),
            usual_times=UsualTimes(database),
            threads=Threads(each=max(1, threads - _THREADS_FOR_OTHERS)),
            variant_leases=variant_leases,
            variant_places=Shares(each=settings.variants.at_once, total=settings.variants.at_once),
            worker_name=worker_name,
        )
    finally:
        leases.stop()
        variant_leases.stop()
        announcer.close()
        dispatcher.close()
        providers.close()
        objects.close()
        database.dispose()


def intake_of(services: WorkerServices) -> Intake:
    """The intake of the Redis door, with the clients of this process."""
    return Intake(
        settings=services.settings,
        database=services.database,
        objects=services.objects,
        catalogue=services.catalogue,
        wake=services.dispatcher.wake,
        announce=services.announce,
    )
