"""The consumer with all patches: the setting `worker_consumer` takes one class."""

from workers.celery_patches.event_batches import BatchingConsumer
from workers.celery_patches.malformed_messages import TolerantConsumer


class PatchedConsumer(TolerantConsumer, BatchingConsumer):
    """A consumer that discards malformed messages and sends task events in batches."""
