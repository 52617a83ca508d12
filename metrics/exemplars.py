"""Exemplars: the id of the trace in which a value was measured.

A histogram keeps one for each bucket. Prometheus reads them where it runs with `--enable-feature=exemplar-storage`, and
Grafana leads from a slow value to its trace.
"""

from collections.abc import Callable
from typing import Final

TraceId = Callable[[], str | None]
"""Returns the id of the current trace. None: there is none, or the trace is not recorded."""


def _no_trace() -> str | None:
    return None


class Exemplars:
    """Makes the exemplars of this process."""

    def __init__(self) -> None:
        self._trace_id: TraceId = _no_trace

    def read_traces(self, trace_id: TraceId) -> None:
        """Take the ids of traces from a function. It is called at each value, so it must be quick."""
        self._trace_id = trace_id

    def current(self) -> dict[str, str] | None:
        """The exemplar of a value that is measured now. None: there is no trace."""
        trace_id = self._trace_id()
        return None if trace_id is None else {"trace_id": trace_id}


EXEMPLARS: Final = Exemplars()
"""The exemplars of this process."""
