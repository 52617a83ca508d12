"""The parts that both dialects of Kling's API share: the envelope, the codes, creates and reads.

Sources: "Error codes" and "Callbacks" of https://kling.ai/document-api.
"""

import re
from abc import abstractmethod
from collections.abc import Mapping
from typing import Annotated, ClassVar, Final
from uuid import UUID

from pydantic import (
    AliasChoices,
    AliasPath,
    ConfigDict,
    Field,
    JsonValue,
    StringConstraints,
    TypeAdapter,
    ValidationError,
)

from providers.adapters.payload import Payload, texts
from providers.adapters.vendor_adapter import VendorAdapter
from providers.base import AcceptedCreate, CallbackReading, Fence, ProviderRequest
from providers.http.calls import Reply
from providers.http.verdicts import Verdict, error_of
from providers.webhooks import bodies
from schemas.enums import ErrorCode
from schemas.limits import Refusal
from schemas.provider_errors import (
    ProviderAuthFailed,
    ProviderError,
    ProviderModelGone,
    ProviderOutcomeUnknown,
    ProviderQuotaExceeded,
    ProviderRateLimited,
    ProviderRejected,
    ProviderUnavailable,
)

BASE_URL: Final = "https://api-singapore.klingai.com"

OK: Final = 0
INVALID_PARAMETER: Final = 1201
NO_SUCH_RESOURCE: Final = 1203

# HTTP 429 has five meanings, so the code decides.
VERDICTS: Final[Mapping[int, Verdict]] = {
    1000: Verdict(ProviderAuthFailed, "refused our API key"),
    1001: Verdict(ProviderAuthFailed, "refused our API key"),
    1002: Verdict(ProviderAuthFailed, "refused our API key"),
    1003: Verdict(ProviderAuthFailed, "refused our API key"),
    1004: Verdict(ProviderAuthFailed, "refused our API key"),
    1100: Verdict(ProviderAuthFailed, "reports a problem with our account"),
    1101: Verdict(ProviderQuotaExceeded, "says that our account is in arrears"),
    1102: Verdict(ProviderQuotaExceeded, "says that our resource pack is used up"),
    1103: Verdict(ProviderAuthFailed, "gives our account no access to this"),
    1200: Verdict(ProviderRejected, "found the request invalid"),
    INVALID_PARAMETER: Verdict(ProviderRejected, "found the request invalid"),
    1202: Verdict(ProviderRejected, "does not know what was asked for"),
    NO_SUCH_RESOURCE: Verdict(ProviderRejected, "does not know what was asked for"),
    1300: Verdict(ProviderRejected, "refused it by its policy", ErrorCode.CONTENT_REJECTED),
    1301: Verdict(ProviderRejected, "refused it by its content policy", ErrorCode.CONTENT_REJECTED),
    1302: Verdict(ProviderRateLimited, "says that we call too often"),
    1303: Verdict(ProviderRateLimited, "works on as much as our resource pack allows", refusal=Refusal.TOO_MANY),
    1304: Verdict(ProviderAuthFailed, "does not take calls from our address"),
    5001: Verdict(ProviderUnavailable, "is down for maintenance"),
}
# "Server error" and "timeout": the task of a create can exist nevertheless.
UNDECIDED: Final = frozenset({5000, 5002})

# Kling does not document the text of this error. The text probably contains the field's name, in one of its spellings.
_EXTERNAL_ID = re.compile(r"external[\s_-]*(task[\s_-]*)?id", re.IGNORECASE)

# Such an id fits into a URL's path and query, a log and a database column.
TaskId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-][A-Za-z0-9._~=-]{0,199}$")]

_TASK_ID: Final[TypeAdapter[str]] = TypeAdapter(TaskId, config=ConfigDict(coerce_numbers_to_str=True))


class Answer(Payload):
    """The envelope of every reply, and of some callbacks."""

    code: int
    message: JsonValue = None
    data: JsonValue = None

    @property
    def text(self) -> str:
        """The text of an error."""
        return "; ".join(texts(self.message))


class Callback(Payload):
    """A callback: the task, in either dialect. Some samples in the documentation wrap the task into an envelope."""

    task_id: TaskId = Field(
        validation_alias=AliasChoices("id", "task_id", AliasPath("data", "id"), AliasPath("data", "task_id"))
    )


def names_the_external_id(text: str, external_id: str) -> bool:
    """Whether the error text of an invalid request is about the external id. If so, a task with this id exists."""
    return external_id in text or _EXTERNAL_ID.search(text) is not None


def given(fields: Mapping[str, object]) -> dict[str, object]:
    """The fields that have a value."""
    return {name: value for name, value in fields.items() if value is not None}


class Dialect(VendorAdapter):
    """A Kling account, in either dialect.

    Kling has no cancel call. Kling calls back at every change of state, and signs the body if the account has a webhook
    secret.
    """

    task_key: ClassVar[str]
    """The name of a task's id in this dialect."""

    def read_callback(self, headers: Mapping[str, str], body: bytes) -> CallbackReading:
        is_signed = self._is_signed(headers, body)
        callback = bodies.parse(body, Callback, "a callback that names a task")
        return CallbackReading(callback.task_id, is_verified=is_signed)

    @abstractmethod
    def _order(
        self, request: ProviderRequest, external_id: str, callback_url: str | None
    ) -> tuple[str, dict[str, object]]:
        """The path and the body of a create."""

    def _submit(
        self, request: ProviderRequest, *, callback_url: str | None, generation_id: UUID, fence: Fence
    ) -> AcceptedCreate:
        external_id = str(generation_id)
        path, body = self._order(request, external_id, callback_url)
        reply = self._account.call("submit", "POST", path, body=body, fence=fence)
        answer = reply.require(Answer)
        task_id = self._task_id(answer)
        if answer.code == OK and task_id is not None:
            return AcceptedCreate(task_id)
        if answer.code == OK or task_id is not None:
            raise ProviderOutcomeUnknown(f"{self.name} answered submit with code {answer.code} and task id {task_id}")
        # Our id exists at Kling, so an earlier create was accepted. An unknown outcome leads to a look-up.
        if answer.code == INVALID_PARAMETER and names_the_external_id(answer.text, external_id):
            raise ProviderOutcomeUnknown(f"{self.name} refused our own id of the task, as it does when the task exists")
        raise self._refusal(answer, reply)

    def _ask(self, operation: str, path: str, params: Mapping[str, str] | None = None) -> tuple[Reply, Answer]:
        """The answer to a read, with any code. Raises as `Provider.poll` does."""
        reply = self._account.call(operation, "GET", path, params=params)
        return reply, reply.require(Answer)

    def _refusal(self, answer: Answer, reply: Reply) -> ProviderError:
        """The error of an answer without a task. Kling's code decides first, then the HTTP status."""
        if answer.code in UNDECIDED:
            family = ProviderOutcomeUnknown if reply.call.is_create else ProviderUnavailable
            text = f"{self.name} had an internal error (code {answer.code})"
            return family(text, retry_after=reply.retry_after)
        if answer.code == NO_SUCH_RESOURCE and reply.call.is_create:
            # The model is a part of the path or of the body: Kling has retired the model. The order is not at fault.
            text = f"{self.name} no longer has this model (code {answer.code})"
            return ProviderModelGone(text, retry_after=reply.retry_after)
        return error_of(VERDICTS, answer.code, reply, told=answer.text)

    def _task_id(self, answer: Answer) -> str | None:
        """The id of the task in `data`; None if missing or malformed."""
        data = answer.data if isinstance(answer.data, dict) else {}
        try:
            return _TASK_ID.validate_python(data.get(self.task_key))
        except ValidationError:
            return None
