"""The Celery application, its queues, and the processes that serve the queues."""
