"""The steps of a generation: one module for each stage. `pipeline` runs the steps, and `messages` connects Celery."""
