"""Celery: the application, the queues and the processes that serve them."""
