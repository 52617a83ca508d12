"""The consumer with all patches: the setting `worker_consumer` takes one class."""

from workers.celery_patches.event_batches import BatchingConsumer
from workers.celery_patches.malformed_messages import TolerantConsumer
from workers.celery_patches.unreadable_orders import AnsweringConsumer


class PatchedConsumer(TolerantConsumer, AnsweringConsumer, BatchingConsumer):
    """A consumer that answers unreadable orders, discards malformed messages, and sends task events in batches."""
