"""One module for each stage: a plain function, and a thin Celery shell around it."""
