"""The usual times of work at providers, as this process remembers them."""

import threading
import time
from collections import OrderedDict

import structlog

from storage.database import Database
from storage.outages import OUTAGES
from storage.render_times import RenderTimes, Work, render_times

log = structlog.get_logger()

_KEPT_SECONDS = 60.0
# Too few generations are known: soon there may be enough, and until then the polls are guesses.
_NOTHING_KEPT_SECONDS = 5.0
_MOST_REMEMBERED = 1000


class UsualTimes:
    """Reads the times of each kind of work once a minute, or each 5 s until they are known. Threads may share it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._known: OrderedDict[Work, tuple[float, RenderTimes | None]] = OrderedDict()

    def of(self, work: Work) -> RenderTimes | None:
        """The usual times of such work. None: too few generations are known, or the database does not answer."""
        now = time.monotonic()
        with self._lock:
            known = self._known.get(work)
        if known is not None and now < known[0]:
            return known[1]
        try:
            with self._database.statement() as statement:
                found = render_times(statement, work)
        except OUTAGES as error:
            log.info("usual_times_not_read", error=type(error).__name__)
            return None if known is None else known[1]
        with self._lock:
            self._known[work] = (now + (_NOTHING_KEPT_SECONDS if found is None else _KEPT_SECONDS), found)
            while len(self._known) > _MOST_REMEMBERED:
                self._known.popitem(last=False)
        return found
