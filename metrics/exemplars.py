"""Exemplars: the id of the trace in which a value was measured.

A histogram keeps one for each bucket. Prometheus reads them where it runs with `--enable-feature=exemplar-storage`, and
Grafana leads from a slow value to its trace.
"""

from schemas.trace_context import current


def exemplar() -> dict[str, str] | None:
    """The exemplar of a value that is measured now. None: there is no trace, or its spans are not recorded."""
    context = current()
    return {"trace_id": context.trace_id} if context is not None and context.is_sampled else None
