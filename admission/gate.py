"""The gate of a process: asks for places at provider accounts, and hands free places out.

The database decides (`storage.admission`). The gate knows which generations need to ask at all: most accounts have no
limits, and their generations go without a statement.
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from uuid import UUID

import structlog

from metrics.families import ADMISSION_ASKS, ADMISSION_GRANTS, ADMISSION_WAIT_SECONDS
from metrics.labels import Asked
from schemas.admission_settings import AdmissionSettings
from schemas.enums import EventName
from schemas.limits import WHOLE_ACCOUNT, AccountLimits, Refusal
from schemas.names import ProviderName
from schemas.orders import Route
from storage import admission, admission_learning, transitions
from storage.admission import Ask, Granted, View
from storage.admission_learning import Refused
from storage.claims import Claim
from storage.database import Database
from storage.generations import Wake
from storage.outages import OUTAGES
from storage.sql import Sql

log = structlog.get_logger()

VIEW_LASTS_SECONDS = 1.0
"""All processes see a change of an account or of a route within this time."""
_TOLD_AFTER_SECONDS = 1.0
_THROTTLED_LASTS_SECONDS = 10.0


class Gate:
    """Asks for places, and gives free places to the generations that are next. Threads may share it."""

    def __init__(
        self,
        database: Database,
        settings: AdmissionSettings,
        declared: Mapping[ProviderName, AccountLimits],
        wake: Callable[..., object],
        *,
        wake_in: float,
    ) -> None:
        """Makes the gate, without a statement.

        Args:
            declared: the limits of the accounts of this process.
            wake: sends wake-ups. Never raises.
            wake_in: the seconds after which the waker repeats a wake-up.
        """
        self._database = database
        self._settings = settings
        self._declared = declared
        self._wake = wake
        self._wake_in = wake_in
        self._lock = threading.Lock()
        self._throttled_until: dict[ProviderName, float] = {}
        self._view: View | None = None
        self._view_ends = 0.0

    def declare(self) -> None:
        """Write the limits of this process's settings. A failure is logged: the limits of the last process hold."""
        try:
            with self._database.statement() as sql:
                admission.declare(sql, self._declared)
        except OUTAGES as error:
            log.warning("limits_not_declared", error=type(error).__name__)

    def pool_of(self, provider: ProviderName, vendor_model: str) -> str:
        """The family of a model at an account."""
        limits = self._viewed().limits.get(provider)
        return WHOLE_ACCOUNT if limits is None else limits.pool_of(vendor_model)

    def needs_place(self, route: Route) -> bool:
        """Whether generations for a route must ask for a place. False: they go without a place."""
        view, provider = self._viewed(), route.provider
        limits = view.limits.get(provider)
        return (
            view.has_pauses
            or (bool(view.open_routes) and route in view.open_routes)
            or provider in view.closed
            or provider in view.waiting
            or (limits is not None and not limits.is_unlimited)
        )

    def has_waiting(self, provider: ProviderName) -> bool:
        """Whether generations wait for places at an account."""
        return provider in self._viewed().waiting

    def limits(self, customer_id: UUID) -> bool:
        """Whether generations of a customer must ask for a place at every account, because they may wait at a limit."""
        limited = self._viewed().limited
        return limited is None or customer_id in limited

    def open_routes(self) -> frozenset[Route]:
        """The routes whose circuit breaker is open or half-open."""
        return self._viewed().open_routes

    def is_shut(self, provider: ProviderName) -> bool:
        """Whether an account is out of money, or of generations of the day, and is not tried for a while."""
        return provider in self._viewed().shut

    def has_routes_away(self) -> bool:
        """Whether the routes of any generations are open, or at accounts that are not tried for a while."""
        view = self._viewed()
        return bool(view.open_routes or view.shut)

    def forget_view(self) -> None:
        """Read the view again before its next use: this process knows that it has changed."""
        with self._lock:
            self._view_ends = 0.0

    def ask(self, claim: Claim, wanted: Ask) -> bool:
        """Ask for a place. Returns whether the generation has one. If not, the claim has ended, and a grant follows.

        Raises:
            LeaseLost: this worker lost the claim.
            sqlalchemy.exc.DBAPIError: the database does not answer.
        """
        with self._database.statement() as sql:
            has_place, others = admission.ask(
                sql, claim, wanted, longest_wait=self._settings.longest_wait_seconds,
                most=self._settings.grants_at_once, wake_in=self._wake_in,
            )  # fmt: skip
        ADMISSION_ASKS.add(wanted.provider, Asked.GRANTED if has_place else Asked.WAITS)
        self._start(others)
        return has_place

    def give_back(self, provider: ProviderName) -> None:
        """A place at an account is free: give it to the generation that is next. Outages are left to `grant_all`."""
        if not self.has_waiting(provider):
            return
        self._try(provider, partial(self._grant, provider))

    def is_spent(self, provider: ProviderName) -> bool:
        """Whether an account is out of money, or of generations of the day: other routes are better."""
        return provider in self._viewed().spent

    def refused(self, provider: ProviderName, generation_id: UUID, refusal: Refused) -> None:
        """A vendor refused a create because of our account: the account waits, in all processes.

        Call it after the generation is queued again. An outage loses the lesson: the next refusal teaches it.
        """
        try:
            with self._database.statement() as sql:
                learned = admission_learning.refused(sql, provider, generation_id, refusal)
        except OUTAGES as error:
            log.warning("refusal_not_learned", provider=provider, reason=refusal.why, error=type(error).__name__)
            return
        self.forget_view()
        if learned.is_news and learned.closed_seconds > 0:
            level = logging.ERROR if refusal.why.lasts else logging.INFO
            log.log(
                level, "account_closed", provider=provider, family=learned.family, reason=refusal.why,
                seconds=round(learned.closed_seconds, 1), rate_factor=round(learned.factor, 3),
            )  # fmt: skip
        if learned.places is not None:
            log.info("account_full", provider=provider, family=learned.family, places=learned.places)

    def throttled(self, provider: ProviderName, generation_id: UUID) -> None:
        """A vendor has work that it does not begin, because our account runs as much as it may: send no more.

        The vendor says so at each read, so the gate hears it once in a while.
        """
        now = time.monotonic()
        with self._lock:
            if now < self._throttled_until.get(provider, 0.0):
                return
            self._throttled_until[provider] = now + _THROTTLED_LASTS_SECONDS
        self.refused(provider, generation_id, Refused(Refusal.TOO_MANY, pause=0.0))

    def accepted(self, provider: ProviderName) -> None:
        """A vendor accepted a create, so the account has money again. An outage leaves this to the next create."""
        try:
            if not self.is_spent(provider):
                return
            with self._database.statement() as sql:
                is_open = admission_learning.accepted(sql, provider)
        except OUTAGES as error:
            log.info("account_not_opened", provider=provider, error=type(error).__name__)
            return
        if is_open:
            self.forget_view()
            log.warning("account_open", provider=provider)

    def grant_all(self) -> bool:
        """Give the free places of all accounts to the generations that are next. Returns whether any still waits."""
        with self._database.statement() as sql:
            waiting = admission.waiting_accounts(sql)
        for provider in waiting:
            self._try(provider, partial(self._grant, provider))
        return bool(waiting)

    def tidy(self) -> None:
        """Put generations back into the queue that nothing holds any more, and count work where limits changed."""
        settings = self._settings
        for step in (
            admission.count_all,
            partial(admission.release_held, most=settings.grants_at_once, low_waits=settings.low_waits_seconds),
        ):
            self._try(None, partial(self._run, step))

    def _run(self, step: Callable[[Sql], None]) -> None:
        with self._database.statement() as sql:
            step(sql)

    def _try(self, provider: ProviderName | None, act: Callable[[], None]) -> None:
        """One account whose decision fails does not delay the others."""
        try:
            act()
        except OUTAGES as error:
            log.info("places_not_granted", provider=provider, error=type(error).__name__)

    def _grant(self, provider: ProviderName) -> None:
        with self._database.statement() as sql:
            granted = admission.grant(sql, provider, most=self._settings.grants_at_once, wake_in=self._wake_in)
        self._start(granted)

    def _start(self, granted: Sequence[Granted]) -> None:
        """Wake the generations that got a place, and tell those that waited for it in their timeline."""
        if not granted:
            return
        _count(granted)
        wakes: list[Wake] = [one.wake for one in granted]
        self._wake(*wakes)
        told = {
            one.generation_id: {"waited_seconds": round(one.waited_seconds, 3)}
            for one in granted
            if one.waited_seconds > _TOLD_AFTER_SECONDS
        }
        if told:
            with self._database.statement() as sql:
                transitions.note_all(sql, EventName.ADMITTED, told)
        log.info("generations_admitted", count=len(granted))

    def _viewed(self) -> View:
        """The view of the last second. During an outage, the last one that was read."""
        now = time.monotonic()
        with self._lock:
            view, ends = self._view, self._view_ends
        if view is not None and now < ends:
            return view
        try:
            with self._database.statement() as sql:
                read = admission.view(sql)
        except OUTAGES:
            if view is None:
                raise
            return view
        with self._lock:
            self._view, self._view_ends = read, now + VIEW_LASTS_SECONDS
        return read


def _count(granted: Sequence[Granted]) -> None:
    ADMISSION_GRANTS.add(by=len(granted))
    for one in granted:
        ADMISSION_WAIT_SECONDS.observe(seconds=one.waited_seconds)
