"""Plain Celery, as most people write it: a chain of tasks, of which one polls by retrying with a countdown."""
