"""The names of spans' kinds and attributes. A span has no other attributes, so this file shows all that leaves.

The names are those of OpenTelemetry's semantic conventions where there is one. No attribute takes a text of a customer
or of a vendor: values are ids of ours, names of ours, numbers, classes of errors, and hosts.
"""

from enum import StrEnum


class SpanKind(StrEnum):
    """The role of a span's work. The names are OpenTelemetry's."""

    SERVER = "SERVER"
    """Answers a request."""
    CLIENT = "CLIENT"
    """Makes a request."""
    CONSUMER = "CONSUMER"
    """Takes work that was left for later."""
    INTERNAL = "INTERNAL"
    """Goes on with work."""


class Attribute(StrEnum):
    """The attributes of spans."""

    GENERATION = "reelworks.generation.id"
    """The id of the generation."""
    MEDIA = "reelworks.kind"
    """Image or video."""
    MODEL = "reelworks.model"
    """Our name of the model."""
    PROVIDER = "reelworks.provider"
    """The provider account."""
    STAGE = "reelworks.stage"
    """The stage at the beginning of a step."""
    ATTEMPT = "reelworks.attempt"
    """The number of the claim."""
    OUTCOME = "reelworks.outcome"
    """How a step ended, as in the metric `reelworks_steps_total`."""
    NEXT_STAGE = "reelworks.next_stage"
    """The stage after a step."""
    OPERATION = "reelworks.operation"
    """The name of a call to a vendor, as in the log, or of a request at the Redis door."""
    EVENT = "reelworks.event"
    """The type of the event that a webhook tells."""
    DELIVERY = "reelworks.delivery.id"
    """The id of a message to an endpoint."""
    TRY = "http.request.resend_count"
    """The tries of a message before this one."""
    BYTES = "http.response.body.size"
    """The bytes of a file."""
    RESUMES = "reelworks.resumes"
    """How often a download went on after a lost connection."""
    METHOD = "http.request.method"
    """The method of a request."""
    ROUTE = "http.route"
    """The template of the path. The path itself may hold a secret."""
    STATUS = "http.response.status_code"
    """The status of an answer."""
    HOST = "server.address"
    """The host of a provider account, as configured."""
    ERROR = "error.type"
    """The class or the code of an error. Never its text."""
    MESSAGING = "messaging.system"
    """The kind of broker."""
    QUEUE = "messaging.destination.name"
    """The queue of a message."""
    MESSAGE = "messaging.message.id"
    """The id of a message."""
    ACT = "messaging.operation.name"
    """What was done with a message."""
    ACT_TYPE = "messaging.operation.type"
    """The kind of that act."""
