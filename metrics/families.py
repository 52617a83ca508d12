"""Every metric of Reelworks, in one place. docs/metrics.md lists them, and a test compares both.

A name tells its unit: `_seconds`, `_bytes`, `_credits`, `_total` for counters. Ages and lengths are seconds.
"""

from typing import Final

from metrics import labels
from metrics.instruments import Counter, Family, Gauge, Histogram

_SHORT: Final = (0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_LONG: Final = (0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 3600)

_WORK: Final = (1, 10, 60, 300, 1800)

_MOST_OF_MODELS: Final = 250

# --- of each process: the pipeline -----------------------------------------------------------------------------------

STAGE_SECONDS = Histogram(
    "stage_seconds", "Time in a stage, from its begin to the move to another stage.", labels.STAGE, buckets=_LONG
)
GENERATION_SECONDS = Histogram(
    "generation_seconds", "Time from acceptance to the end, as workers wrote it.", labels.KIND, labels.STATUS,
    buckets=_LONG,
)  # fmt: skip
RENDER_SECONDS = Histogram(
    "render_seconds", "Time at the provider, from its acceptance to the read that found the end.", labels.PROVIDER,
    buckets=_LONG,
)  # fmt: skip
ENDED = Counter(
    "ended_total", "Generations that workers or cancels ended.", labels.STATUS, labels.CAUSE, labels.PROVIDER,
    # A cause belongs to one status.
    most=(labels.CAUSE.most_values + 1) * labels.PROVIDER.most_values,
)  # fmt: skip
ENDED_MODELS = Counter("ended_models_total", "The same, by model.", labels.MODEL, labels.STATUS)
STEPS = Counter("steps_total", "Steps that workers ran, by their outcome.", labels.STAGE, labels.OUTCOME)
ENDS_FOUND = Counter(
    "ends_found_total",
    "Ends at the provider by the reason for the read that found them. `safety_poll`: the provider should have called "
    "back, and did not.",
    labels.PROVIDER,
    labels.FOUND_BY,
)
STORED_BYTES = Counter("stored_bytes_total", "Bytes of results that went to the object store.", labels.KIND)
VARIANTS = Counter("variants_total", "Tries to make a variant of a result.", labels.VARIANT, labels.MAKING)
VARIANT_SECONDS = Histogram(
    "variant_seconds", "Length of a try to make a variant, with reads and writes.", labels.VARIANT, buckets=_WORK
)
LEASES_LOST = Counter("leases_lost_total", "Claims that the database did not renew.")
FENCES = Counter("fences_hit_total", "Writes and creates that a fence stopped.", labels.FENCE)
WAKES = Counter("wakes_total", "Wake-ups that were sent.", labels.SENDER)
WAKES_NOT_SENT = Counter("wakes_not_sent_total", "Wake-ups that Redis did not take. The waker repeats them.")

# --- of each process: providers and admission ------------------------------------------------------------------------

PROVIDER_CALLS = Counter(
    "provider_calls_total", "Calls to providers, by their answer.", labels.PROVIDER, labels.CALL, labels.ANSWER
)
RUNS_LOST = Counter(
    "runs_lost_total", "Runs that servers of the operator's own lost, or never confirmed.", labels.PROVIDER
)
PROVIDER_CALL_SECONDS = Histogram(
    "provider_call_seconds", "Length of a call to a provider.", labels.PROVIDER, labels.CALL, buckets=_SHORT
)
ADMISSION_ASKS = Counter(
    "admission_asks_total", "Asks for a place at an account that has limits.", labels.PROVIDER, labels.ASKED
)
ADMISSION_GRANTS = Counter("admission_grants_total", "Places that this process handed out to waiting generations.")
ADMISSION_WAIT_SECONDS = Histogram(
    "admission_wait_seconds", "Time from the ask for a place to its grant, of generations that waited.", buckets=_LONG
)

# --- of each process: doors ------------------------------------------------------------------------------------------

ORDERS = Counter("orders_total", "Orders that were accepted and made a generation.", labels.KIND)
CALLBACKS = Counter("callbacks_total", "Callbacks of providers, by their effect.", labels.PROVIDER, labels.VERDICT)
REQUESTS = Counter("http_requests_total", "Requests to the gateway.", labels.ROUTE, labels.CODE_CLASS)
ANSWERS = Counter("http_answers_total", "Answers of the gateway by status.", labels.CODE)
REQUEST_SECONDS = Histogram(
    "http_request_seconds", "Length of a request, to the end of its answer. Streams and waiting requests are long.",
    labels.DOOR, buckets=_SHORT,
)  # fmt: skip
DOOR_REQUESTS = Counter("door_requests_total", "Messages at the Redis door.", labels.SERVED)
WEBHOOK_TRIES = Counter("webhook_tries_total", "Tries to send a webhook.", labels.RESULT)
WEBHOOK_TRY_SECONDS = Histogram("webhook_try_seconds", "Length of a try to send a webhook.", buckets=_SHORT)

# --- of the whole system: generations --------------------------------------------------------------------------------

GENERATIONS = Gauge(
    "generations", "Unfinished generations.", labels.STAGE, labels.MODEL, labels.PROVIDER, most=_MOST_OF_MODELS
)
OLDEST_SECONDS = Gauge(
    "oldest_seconds", "Age of the oldest unfinished generation since its acceptance.", labels.STAGE, merge=max
)
STAGE_OLDEST_SECONDS = Gauge(
    "stage_oldest_seconds", "Time of the generation that is longest in the stage.", labels.STAGE, merge=max
)
RUNNABLE = Gauge("runnable", "Generations that are due, and that no worker has claimed.", labels.STAGE)
RUNNABLE_OLDEST_SECONDS = Gauge(
    "runnable_oldest_seconds", "Time since the oldest of these was due. Scale workers by this figure.", labels.STAGE,
    merge=max,
)  # fmt: skip
CLAIMED = Gauge("claimed", "Generations that a worker has claimed now.", labels.STAGE)
FAILING = Gauge("failing", "Unfinished generations whose last tries failed or crashed.", labels.STAGE)
ENDED_HOUR = Gauge(
    "ended_hour", "Generations that ended in the last hour.",
    labels.STATUS, labels.CAUSE, labels.MODEL, labels.PROVIDER, most=_MOST_OF_MODELS,
)  # fmt: skip

# --- of the whole system: credits ------------------------------------------------------------------------------------

HOLDS = Gauge("holds", "Unfinished generations with credits on hold.")
HOLDS_CREDITS = Gauge("holds_credits", "Credits of these generations.")
HOLD_OLDEST_SECONDS = Gauge("hold_oldest_seconds", "Age of the oldest hold.", merge=max)
HELD_CREDITS = Gauge("held_credits", "Balances of all accounts for holds. The same as `holds_credits`, else a bug.")
LEDGER_CREDITS = Gauge("ledger_sum_credits", "Sum of all balances, read every 10 minutes. Anything but 0 is a bug.")

# --- of the whole system: queues, events, webhooks -------------------------------------------------------------------

QUEUE_MESSAGES = Gauge("queue_messages", "Messages that wait in Redis.", labels.QUEUE)
VARIANTS_DUE = Gauge("variants_due", "Variants of results that are due, and that no worker has claimed.")
VARIANTS_DUE_SECONDS = Gauge("variants_due_seconds", "Time since the oldest of these was due.", merge=max)
STREAM_LAG_SECONDS = Gauge(
    "stream_lag_seconds", "Age of the oldest event that is not in the stream in Redis.", merge=max
)
WEBHOOKS_DUE = Gauge("webhooks_due", "Webhooks whose time has come, to endpoints that are not paused.")
WEBHOOKS_DUE_SECONDS = Gauge("webhooks_due_seconds", "Time since the oldest of these was due.", merge=max)
WEBHOOKS_PAUSED = Gauge("webhook_endpoints_paused", "Endpoints to which nothing is sent.")

# --- of the whole system: admission ----------------------------------------------------------------------------------

ADMISSIONS = Gauge("admissions", "Generations by their place at an account with limits.", labels.PROVIDER, labels.PLACE)
ADMISSION_OLDEST_SECONDS = Gauge(
    "admission_oldest_seconds", "Age of the oldest ask by its place at the account.", labels.PROVIDER, labels.PLACE,
    merge=max,
)  # fmt: skip
ADMISSIONS_HELD = Gauge("admissions_held", "Generations that are out of the queue of their account.", labels.HELD_BY)
ACCOUNT_LIMIT = Gauge(
    "account_limit", "The most generations in flight at an account. Absent: no limit.", labels.PROVIDER
)
ACCOUNT_CLOSED_SECONDS = Gauge(
    "account_closed_seconds", "Time until an account takes work again. 0: now.", labels.PROVIDER, merge=max
)
ACCOUNT_STATE = Gauge("account_state", "1 for the present state of an account.", labels.PROVIDER, labels.STATE)
ROUTES_OPEN = Gauge("routes_open", "Routes whose circuit breaker is open or half-open.", labels.PROVIDER)
ROUTE_OPEN_SECONDS = Gauge(
    "route_open_seconds", "Time since the breaker that is open longest was opened.", labels.PROVIDER, merge=max
)
PAUSES = Gauge("pauses", "Models, providers, routes and customers that an operator paused.")

# --- about the figures of the whole system ---------------------------------------------------------------------------

FIGURES_AT = Gauge(
    "figures_timestamp_seconds", "Time of the newest reading of the figures of the whole system.", merge=max
)
FIGURES_SECONDS = Gauge("figures_read_seconds", "Length of that reading.", merge=max)

FAMILIES: Final[tuple[Family, ...]] = tuple(value for value in list(globals().values()) if isinstance(value, Family))
"""Every metric."""
