"""Bounds a run by the count that an operator has seen: a typed number, `--yes`, or a token.

The one rule of both doors. A run with a count of N has at most N effects, over all of its requests; `changes.count`
ends the run there. A run does not begin, and does not go on, if more generations are left than the count allows.
Generations on which the run has acted do not count again, and refusals are no effects.
"""

from schemas.lever_token import Seen
from schemas.levers import Lever, Selection
from storage.levers import changes, counting
from storage.levers.counting import Counted
from storage.levers.walking import Watch, unwatched
from storage.sql import Sql


class Grown(Exception):
    """More generations are left than the operator has seen."""


def recount(sql: Sql, lever: Lever, selection: Selection, seen: Seen, *, watch: Watch = unwatched) -> Counted:
    """Count what is left for a run.

    Args:
        watch: hears the progress.

    Raises:
        Grown: more than the operator has seen, less what the run has done.
    """
    done = changes.effects(sql, seen.change_id)
    left = counting.count(sql, lever, selection, seen, has_begun=done > 0, watch=watch)
    if left.count > seen.count - done:
        so_far = f", of which {done} are done," if done else ""
        raise Grown(f"stands for {seen.count} generations{so_far} and there are {left.count} {'more ' * bool(done)}now")
    return left
