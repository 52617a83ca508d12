"""Every place where Reelworks changes Celery or kombu beyond their documented settings, signals and base classes.

Each module is one patch. Each patch has a test with the same name in `tests/unit/workers/celery_patches` or
`tests/integration/workers/celery_patches`. The test shows the unpatched library, and fails when upstream makes the
patch needless. All faults were seen in celery 5.7.0 and kombu 5.7.0. Flower 2.2.0 is not patched.

- `reconnect`: kombu keeps the channel of a lost connection, and the worker exits when Celery closes the connection.
  The worker must survive a restart of Redis.
- `checked_channel`: kombu decodes any message, and ends the worker over a malformed one. Celery must see only messages
  that it can run and acknowledge.
- `event_batches`: Celery sends task events at each turn of the event loop. Under load, Redis and Flower need batches.
- `drain`: the pool of threads waits for the last step without a bound. The end of a worker must have a bound.
- `installed_modules`: Celery imports from the current folder first. Only installed modules may be tasks.
- `beat_exit`: beat ends by an exception inside whatever runs. Beat must end at once.
- `beat_outages`: beat logs two stacks for each message that Redis does not take. One line is enough.
"""
