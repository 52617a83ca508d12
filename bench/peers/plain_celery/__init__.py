"""Plain Celery, as most people write it: a chain of tasks. One task polls by retrying with a countdown."""
