"""The rules of a story: the actions of all parties, in any order."""

import sys
from enum import StrEnum
from typing import ClassVar, TypeVar
from uuid import UUID

from hypothesis import note
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from schemas.enums import Stage
from schemas.setting_groups import RetentionSettings
from schemas.stages import WORK
from storage.audit import audit
from storage.generations import Wake
from tests.model.actors import Accident, Trouble, Unforeseen
from tests.model.invariants import Invariants
from tests.model.menu import MENU, PROVIDERS
from tests.model.moods import Create, File, LookUp, Mood, Reading, Stopping
from tests.model.vendor import Work
from tests.model.world import Ground, World

_Behaviour = TypeVar("_Behaviour", bound=StrEnum)

_MOST_GENERATIONS = 3
_MOST_PAUSED = 2

# An undisturbed generation needs about ten. One that needs more than this goes in circles.
_ROUNDS_TO_FINISH = 40

# The objects' ages are real time, and therefore years on the model's clock.
_KEEPS_ORPHANS = RetentionSettings(orphan_hours=50_000)

_models = st.sampled_from([entry.name for entry in MENU])

_numbers = st.integers(0, 9)
"""Choose an element, counting round and round."""

# A create has seven points: two for the claim, two for the intent, the vendor, and two for the answer. A worker that
# goes on from a poll to the end of a picture has fifteen.
_points = st.integers(0, 6) | st.integers(0, 14)
_points_after_claim = st.integers(2, 6) | st.integers(2, 14)

_breaking = st.sampled_from([Trouble.DEATH, Trouble.ERROR, Trouble.OUTAGE])
_troubles = st.none() | _breaking
_breaks = st.builds(Accident, at=_points, trouble=_breaking)
_pauses = st.builds(Accident, at=_points, trouble=st.just(Trouble.PAUSE))
_pauses_in_a_claim = st.builds(Accident, at=_points_after_claim, trouble=st.just(Trouble.PAUSE))
_mishaps = st.none() | _breaks | _pauses

_words = st.sampled_from([b"done", b"failed"])


def _mostly_well(behaviour: type[_Behaviour]) -> st.SearchStrategy[_Behaviour]:
    """Take the first member of the enum every other time: stories in which everything fails end early."""
    good = next(iter(behaviour))
    return st.just(good) | st.sampled_from(behaviour)


_moods = st.builds(
    Mood,
    create=_mostly_well(Create),
    look_up=_mostly_well(LookUp),
    reading=_mostly_well(Reading),
    stopping=_mostly_well(Stopping),
    file=_mostly_well(File),
    queues_are_full=st.booleans(),
    joins_stages=st.booleans(),
)

_someone = precondition(lambda self: self.generations)
_who_may_pause = precondition(lambda self: len(self.world.paused) < _MOST_PAUSED)


_first_creates = st.sampled_from([Create.ACCEPTED, Create.ACCEPTED, Create.REPLY_LOST, Create.BUG_AFTER])


class Story(RuleBasedStateMachine):
    """One run, from an empty database to the audit."""

    ground: ClassVar[Ground]

    def __init__(self) -> None:
        super().__init__()
        self.world = World(self.ground)
        self.generations: list[UUID] = []
        self.must_hold = Invariants(self.world.book, self.ground.services.settings.pipeline)

    @initialize(
        ordered=st.lists(
            st.tuples(_models, st.sampled_from([0, 0, 0, 1, 1, 2, 4, 5]), _first_creates), min_size=1, max_size=2
        )
    )
    def begin(self, ordered: list[tuple[str, int, Create]]) -> None:
        """A generation exists, and nothing has failed so far, or its outcome is unknown."""
        for number, (model, steps, create) in enumerate(ordered):
            self.world.order(0, model, key=None, accident=None)
            self.generations = self.world.generations()
            for step in range(steps):
                self._step(number, Mood(create=create) if step == 0 else Mood())

    @precondition(lambda self: len(self.generations) < _MOST_GENERATIONS)
    @rule(
        customer=st.integers(0, 1),
        model=_models,
        key=st.none() | st.just("a key"),
        accident=st.none() | _breaks,
    )
    def order(self, customer: int, model: str, key: str | None, accident: Accident | None) -> None:
        """A customer orders."""
        self.world.order(customer, model, key=key, accident=accident)
        self.generations = self.world.generations()

    @_someone
    @rule(number=_numbers)
    def go_well(self, number: int) -> None:
        """A worker takes the next step of a generation without trouble."""
        self._step(number, Mood())

    @_someone
    @rule(number=_numbers, mood=_moods)
    def step(self, number: int, mood: Mood) -> None:
        """A worker takes the next step of a generation with any trouble."""
        self._step(number, mood)

    @_someone
    @rule(number=_numbers, mood=_moods, accident=_breaks)
    def stumble(self, number: int, mood: Mood, accident: Accident) -> None:
        """A worker takes the next step of a generation and dies in it, or the database is away."""
        self._step(number, mood, accident)

    @_someone
    @_who_may_pause
    @rule(number=_numbers, mood=_moods, accident=_pauses)
    def hesitate(self, number: int, mood: Mood, accident: Accident) -> None:
        """A worker begins the next step of a generation and pauses in the middle."""
        self._step(number, mood, accident)

    @_someone
    @precondition(lambda self: not self.world.paused)
    @rule(
        number=_numbers,
        mood=_moods,
        accident=_pauses_in_a_claim,
        second_mood=_moods | st.just(Mood(create=Create.REPLY_LOST)),
        second_accident=st.none() | _pauses_in_a_claim,
        second_steps=st.integers(1, 4),
        trouble=_troubles,
    )
    def overtake(
        self,
        number: int,
        mood: Mood,
        accident: Accident,
        second_mood: Mood,
        second_accident: Accident | None,
        second_steps: int,
        trouble: Trouble | None,
    ) -> None:
        """A worker is frozen beyond its lease. It resumes, or meets its trouble, after other workers have begun."""
        self._step(number, mood, accident)
        if self.world.paused:
            for _ in range(second_steps):
                self.world.pass_time(self.ground.services.settings.pipeline.lease_seconds + 1, frozen=[0])
                self._step(number, second_mood, self._possible(second_accident))
            self.holds()
            self.world.go_on(0, trouble)

    @_someone
    @precondition(lambda self: not self.world.paused)
    @rule(number=_numbers, mood=_moods, accident=_pauses_in_a_claim, words=_words, trouble=_troubles)
    def call_back_meanwhile(
        self, number: int, mood: Mood, accident: Accident, words: bytes, trouble: Trouble | None
    ) -> None:
        """A vendor calls back while a worker is paused in the middle of a step."""
        self._step(number, mood, accident)
        works = [work for work in self.world.book if work.generation_id == self._one(number)]
        if self.world.paused and works:
            self.world.call_back(works[-1], words, None)
            self.world.go_on(0, trouble)

    @_someone
    @precondition(lambda self: not self.world.paused)
    @rule(number=_numbers, mood=_moods, accident=_pauses_in_a_claim, trouble=_troubles)
    def cancel_meanwhile(self, number: int, mood: Mood, accident: Accident, trouble: Trouble | None) -> None:
        """A customer cancels while a worker is paused in the middle of a step."""
        self._step(number, mood, accident)
        if self.world.paused:
            self.world.cancel(self._one(number), None)
            self.world.go_on(0, trouble)

    @precondition(lambda self: self.world.paused)
    @rule(number=_numbers, trouble=_troubles)
    def go_on(self, number: int, trouble: Trouble | None) -> None:
        """A paused actor resumes, or meets its trouble."""
        self.world.go_on(number % len(self.world.paused), trouble)

    @_someone
    @rule(number=_numbers, stage=st.sampled_from(list(WORK)), back=st.integers(0, 2), mood=_moods)
    def deliver_stale(self, number: int, stage: Stage, back: int, mood: Mood) -> None:
        """An old message arrives, or a message for another stage."""
        message = self.world.next_message(self._one(number))
        if message is None:
            return
        self.world.deliver(Wake(message.generation_id, stage, message.attempt - back), mood)
        if WORK[stage] != WORK[message.stage] or back:
            assert self.world.next_message(message.generation_id) == message, "a message for another claim was heeded"

    @precondition(lambda self: self.world.mailbox.messages)
    @rule(number=_numbers, is_doubled=st.booleans(), mood=_moods)
    def deliver(self, number: int, is_doubled: bool, mood: Mood) -> None:
        """A sent message is delivered, perhaps not for the last time."""
        messages = self.world.mailbox.messages
        message = messages[number % len(messages)]
        if not is_doubled:
            messages.remove(message)
        self.world.deliver(message, mood)

    @precondition(lambda self: self.world.mailbox.messages)
    @rule()
    def lose_messages(self) -> None:
        """Redis loses everything."""
        self.world.mailbox.messages.clear()

    @_someone
    @rule(mood=_moods, accident=st.none() | _breaks)
    def wake(self, mood: Mood, accident: Accident | None) -> None:
        """The waker makes its round."""
        self.world.wake(mood, accident)

    @_someone
    @rule(number=_numbers, words=_words, accident=_mishaps)
    def call_back(self, number: int, words: bytes, accident: Accident | None) -> None:
        """A vendor calls back: repeatedly, late, before its reply, or for work that it never accepted."""
        newest = self.generations[-1]
        unheard_of = [Work(f"{name}'s error", name, newest, "no model", 0, newest) for name in PROVIDERS]
        works = [*self.world.book, *unheard_of]
        self.world.call_back(works[number % len(works)], words, self._possible(accident))

    @_someone
    @rule(number=_numbers, accident=_mishaps)
    def cancel(self, number: int, accident: Accident | None) -> None:
        """A customer cancels."""
        self.world.cancel(self._one(number), self._possible(accident))

    @_someone
    @rule(seconds=st.sampled_from([1, 3, 11, 40, 130, 700]), frozen=st.sets(st.integers(0, 1)))
    def pass_time(self, seconds: int, frozen: set[int]) -> None:
        """Time passes. The processes of paused workers may be frozen, or only slow."""
        self.world.pass_time(seconds, frozen=frozen)

    @invariant()
    def holds(self) -> None:
        """The invariants hold after every rule."""
        with self.ground.database.transaction() as session:
            self.must_hold.check(session, self.world.acted)
        self.world.acted.clear()
        unforeseen = [error for error in self.ground.crashes if not isinstance(error, Unforeseen)]
        assert unforeseen == [], "a step crashed where nothing was broken"

    def teardown(self) -> None:
        """All troubles end: every generation must end, and the audit must find nothing."""
        is_broken = sys.exc_info()[1] is not None
        try:
            if not is_broken:
                self._finish()
        finally:
            if is_broken or sys.exc_info()[1] is not None:
                note(self.world.timeline())
            self.world.stop()

    def _finish(self) -> None:
        while self.world.paused:
            self.world.go_on(0, None)
            self.holds()
        self.world.mailbox.messages.clear()
        for _ in range(_ROUNDS_TO_FINISH * len(self.world.generations())):
            if not self.world.pass_time_to_next_wake():
                break
            self.world.wake(Mood())
            for message in self.world.mailbox.taken():
                self.world.deliver(message, Mood())
            self.holds()
        unfinished = self.world.unfinished()
        assert not unfinished, f"{unfinished} come to no end"
        breaches = audit(self.ground.database, self.ground.services.objects, _KEEPS_ORPHANS).breaches
        assert not breaches, f"the audit finds {breaches}"

    def _step(self, number: int, mood: Mood, accident: Accident | None = None) -> None:
        if message := self.world.next_message(self._one(number)):
            self.world.deliver(message, mood, accident)

    def _one(self, number: int) -> UUID:
        return self.generations[number % len(self.generations)]

    def _possible(self, accident: Accident | None) -> Accident | None:
        """Limit the pauses to those that a run can keep apart."""
        is_pause = accident is not None and accident.trouble is Trouble.PAUSE
        return None if is_pause and len(self.world.paused) >= _MOST_PAUSED else accident
