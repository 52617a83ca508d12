"""Changes Flower's pages: a login for the metrics, a search in the address, and the command of the timeline."""

from typing import Any, Final
from urllib.parse import quote
from uuid import UUID

import flower.options  # type: ignore[import-untyped]  # noqa: F401 -- defines the options
from flower.views.monitor import Metrics  # type: ignore[import-untyped]
from flower.views.tasks import TasksView  # type: ignore[import-untyped]
from tornado.options import options
from tornado.web import authenticated

TIMELINE: Final = "timeline"
"""The field of a task's page with the command that shows the timeline of its generation."""


def require_login_for_metrics() -> None:
    """Let `/metrics` ask for the login, as all other pages do."""
    Metrics.get = authenticated(Metrics.get)


def search_by_address() -> None:
    """Let `/tasks?search=ID` show the tasks of a generation.

    The page reads the search from `name`, and Flower's search joins words by AND.
    """
    show = TasksView.get

    def found(self: TasksView) -> Any:
        text = self.get_argument("search", "")
        if not text:
            return show(self)
        search = quote(f"generation {text}")
        return self.redirect(f"{self.reverse_url('tasks')}?name={search}")

    TasksView.get = found


def name_the_timeline() -> None:
    """Show the command of the timeline at each task of a generation."""
    # Flower takes a function for this from a configuration file, and reads it from these options.
    options.format_task = with_timeline


def with_timeline(task: Any) -> Any:
    """A task of Celery's events, with the command. Flower gives a copy."""
    generation_id = (task.uuid or "").partition(".")[0]
    try:
        UUID(generation_id)
    except ValueError:
        return task
    if "." in task.uuid:
        task._fields = (*task._fields, TIMELINE)
        task.timeline = f"reelworks inspect {generation_id}"
    return task
