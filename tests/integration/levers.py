"""Generations in every stage, and runs of levers, for the tests of levers."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID, uuid4

from intake.levers import means_of
from intake.orders import Intake
from providers.catalogue import Catalogue
from schemas.enums import ErrorCode, Stage
from schemas.lever_token import Seen
from schemas.levers import Lever, Selection
from schemas.settings import Settings
from schemas.tables import Generation
from storage import ledger, transitions
from storage.admission_control import Reason
from storage.audit import Breach, audit_online
from storage.changes import Changes
from storage.database import Database
from storage.levers import changes, counting, running
from storage.levers.acting import Acted, Means, Run
from storage.objects import ObjectStore
from storage.sql import of
from tests.integration.gateway import finishing
from tests.media_files.images import png
from tests.support import NewCustomer, a_generation

WAY = (Stage.QUEUED, Stage.SUBMITTING, Stage.GENERATING, Stage.DOWNLOADING, Stage.STORING, Stage.SETTLING)


@dataclass(frozen=True)
class Levers:
    """Runs levers as an operator."""

    database: Database
    settings: Settings
    objects: ObjectStore

    @property
    def means(self) -> Means:
        """The means of a gateway with an account at Kie."""
        catalogue = Catalogue.load(frozenset({"kie"}))
        intake = Intake(self.settings, self.database, self.objects, catalogue, lambda *_: None, lambda *_: None)
        return means_of(intake)

    def count(self, lever: Lever, selection: Selection) -> counting.Counted:
        """Count the generations on which a lever acts."""
        with self.database.statement() as sql:
            return counting.count(sql, lever, selection)

    def run_of(self, lever: Lever, selection: Selection) -> Run:
        """A run that an operator has confirmed."""
        counted = self.count(lever, selection)
        seen = Seen(uuid4(), counted.count, counted.counted_at)
        change = changes.of_run(seen.change_id, lever, selection, Reason("ops@host", "a test"), counted)
        return Run(lever, selection, seen, change)

    def acts(self, lever: Lever, selection: Selection, means: Means | None = None) -> Iterator[Acted]:
        """Run a lever over a selection, one generation after the other."""
        return running.act_on_all(self.database, means or self.means, self.run_of(lever, selection))

    def pull(self, lever: Lever, selection: Selection, means: Means | None = None) -> dict[UUID, str]:
        """Run a lever over a selection. Returns the effects, or the codes of refusals."""
        return {one.generation_id: word_of(one) for one in self.acts(lever, selection, means)}

    def make(self, customer: NewCustomer, stage: Stage) -> UUID:
        """A generation of 10 credits in a stage, without a claim, and not due for an hour."""
        generation_id = a_generation(self.database, self.settings, customer)
        match stage:
            case Stage.COMPLETED:
                finishing.complete(self.database, self.settings, self.objects, generation_id, png(8, 8))
                with self.database.statement() as sql:
                    # No two generations have the same work at the vendor.
                    sql.run("UPDATE generations SET remote_id = id::text WHERE id = %(id)s", id=generation_id)
            case Stage.FAILED:
                finishing.fail(self.database, self.settings, generation_id, ErrorCode.TIMEOUT, "late")
            case Stage.CANCELLED:
                with self.database.transaction() as session:
                    transitions.cancel_unsent(of(session), session.get_one(Generation, generation_id))
            case _:
                self._lead(generation_id, stage)
        return generation_id

    def _lead(self, generation_id: UUID, stage: Stage) -> None:
        held = finishing.claim(self.database, self.settings, generation_id)
        with self.database.statements() as sql:
            for following in WAY[1 : WAY.index(stage) + 1]:
                is_accepted = following is Stage.GENERATING
                changed = Changes(remote_id=f"task {generation_id}", remote_links={}) if is_accepted else Changes()
                held = transitions.move(sql, held, following, wake_in=0, keeps_lease=True, changes=changed)
            transitions.put_back(sql, held, wake_in=3600)

    def rows(self, ids: Mapping[Stage, UUID]) -> dict[Stage, Generation]:
        """The rows of generations, by the stage that each had at first."""
        with self.database.transaction() as session:
            return {stage: session.get_one(Generation, one) for stage, one in ids.items()}

    def balance(self, customer: NewCustomer) -> ledger.Balance:
        """A customer's credits."""
        with self.database.transaction() as session:
            return ledger.balance(session, customer.id)

    def breaches(self) -> list[Breach]:
        """The breaches that an audit finds."""
        return audit_online(self.database, window=timedelta(minutes=15)).breaches


def word_of(acted: Acted) -> str:
    """The effect, or the code of the refusal."""
    return acted.word.value if acted.word is not None else acted.refusal.code if acted.refusal else ""


def tally(effects: Mapping[UUID, str]) -> dict[str, int]:
    """The number of generations by effect."""
    return dict(Counter(effects.values()))
