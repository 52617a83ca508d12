"""The server's metrics, in a registry of their own. `pipeline` has the configured names, so the series have a bound."""

from typing import Final

import prometheus_client
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector

REGISTRY: Final = CollectorRegistry()
"""All metrics of the server."""
ProcessCollector(registry=REGISTRY)

# A series for the time at which each series began would double them all.
prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]

_PREFIX = "reelworks_model_server_"
_SECONDS = (0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600)

JOBS = Counter(f"{_PREFIX}jobs", "Ended jobs.", ["pipeline", "outcome"], registry=REGISTRY)
JOB_SECONDS = Histogram(
    f"{_PREFIX}job_seconds", "Time of a succeeded job from its turn to its end.", ["pipeline"],
    buckets=_SECONDS, registry=REGISTRY,
)  # fmt: skip
STEPS = Counter(f"{_PREFIX}steps", "Finished steps.", ["pipeline"], registry=REGISTRY)
LOADS = Counter(f"{_PREFIX}loads", "Pipelines loaded.", ["pipeline"], registry=REGISTRY)
LOAD_SECONDS = Histogram(
    f"{_PREFIX}load_seconds", "Time to load a pipeline.", ["pipeline"], buckets=_SECONDS, registry=REGISTRY
)
EVICTIONS = Counter(f"{_PREFIX}evictions", "Pipelines that made room.", ["pipeline"], registry=REGISTRY)
LOADED = Gauge(f"{_PREFIX}loaded", "1: the pipeline is loaded.", ["pipeline"], registry=REGISTRY)
LOADED_BYTES = Gauge(
    f"{_PREFIX}loaded_bytes", "Memory of the loaded pipelines, as configured or counted.", registry=REGISTRY
)
DEVICE_BYTES = Gauge(f"{_PREFIX}device_bytes", "Memory that torch holds on the GPU.", registry=REGISTRY)
QUEUED = Gauge(f"{_PREFIX}queued", "Jobs that wait.", registry=REGISTRY)
RUNNING = Gauge(f"{_PREFIX}running", "Jobs that load or run.", registry=REGISTRY)
REFUSED = Counter(f"{_PREFIX}refused", "Refused creates, by the code of the error.", ["code"], registry=REGISTRY)
FILE_BYTES = Gauge(f"{_PREFIX}file_bytes", "Disk of the results.", registry=REGISTRY)
WEBHOOKS = Counter(f"{_PREFIX}webhooks", "Tries to send a webhook.", ["result"], registry=REGISTRY)
