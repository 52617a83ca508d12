"""Kling's API (https://kling.ai/document-api) in its legacy dialect, which also accepts the older pair of keys.

Kling stores our id with each task. The legacy pages say that the path of a status read can contain this id, so
`look_up` reads that path; this is not proven against the live API. The new dialect's search by this id refuses the pair
of keys, and may not find legacy tasks. It is unknown whether Kling signs the callbacks of this dialect. If the account
has a webhook secret, unsigned callbacks are refused, and polls read the state.
"""

import time
from collections.abc import Callable
from uuid import UUID

from pydantic import BaseModel, ConfigDict, SecretStr, ValidationError

from providers.account import read_options
from providers.adapters.kling.dialect import BASE_URL, INVALID_PARAMETER, NO_SUCH_RESOURCE, OK, Answer, Dialect
from providers.adapters.kling_legacy.tokens import Tokens
from providers.adapters.kling_legacy.wire import KINDS, TEXT_TO_VIDEO, Record, to_body, to_path, to_state
from providers.base import AcceptedCreate, AccountState, Profile, ProviderRequest, RemoteRef, RemoteState
from providers.http.calls import Reply
from providers.http.transport import Transport
from schemas.names import ProviderName
from schemas.provider_errors import ProviderRejected
from schemas.setting_groups import ProviderSettings

# "Task not found" has the first code.
_UNKNOWN = frozenset({INVALID_PARAMETER, NO_SUCH_RESOURCE})


class Options(BaseModel):
    """The options of an account.

    With a secret key, the account's API key is the access key of the pair. Without one, the API key is sent unchanged.
    """

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True, frozen=True)

    secret_key: SecretStr = SecretStr("")


class KlingLegacy(Dialect):
    """A Kling account that speaks the legacy dialect."""

    profile = Profile(
        title="Kling's legacy API",
        base_url=BASE_URL,
        also_needs="for a pair of keys `…__OPTIONS__SECRET_KEY`",
        calls_back=True,
        signs_callbacks=True,
        keeps_our_id=True,
    )
    task_key = "task_id"

    def __init__(
        self,
        name: ProviderName,
        settings: ProviderSettings,
        transport: Transport,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Makes the adapter, without a call.

        Raises:
            InvalidSettings: the account has an unknown option.
        """
        secret_key = read_options(name, settings, Options).secret_key.get_secret_value()
        tokens = Tokens(settings.api_key.get_secret_value(), secret_key, clock)
        credentials = tokens.headers if secret_key else None
        super().__init__(name, settings, transport, clock=clock, credentials=credentials)

    def _order(
        self, request: ProviderRequest, external_id: str, callback_url: str | None
    ) -> tuple[str, dict[str, object]]:
        body = to_body(request.model, request.inputs, external_id=external_id, callback_url=callback_url)
        return to_path(request.model), body

    def _state(self, remote: RemoteRef) -> RemoteState:
        reply, answer = self._ask("poll", f"{to_path(remote.model)}/{remote.remote_id}")
        record = self._record(reply, answer)
        if record.task_id not in {None, remote.remote_id}:
            raise reply.undocumented("no record of that task")
        return to_state(record)

    def _look_up(self, generation_id: UUID) -> AcceptedCreate | None:
        # Each kind of work has separate tasks, and a look-up does not know the kind of the order.
        found = (self._find(kind, str(generation_id)) for kind in KINDS)
        return next((created for created in found if created is not None), None)

    def _check(self) -> AccountState:
        # No task has the id 0. With a good key, Kling answers that the task is unknown.
        reply, answer = self._ask("check", f"{to_path(TEXT_TO_VIDEO)}/0")
        if answer.code not in {OK, *_UNKNOWN}:
            raise self._refusal(answer, reply)
        return AccountState()

    def _find(self, kind: str, external_id: str) -> AcceptedCreate | None:
        reply, answer = self._ask("look_up", f"{to_path(kind)}/{external_id}")
        if answer.code in _UNKNOWN:
            return None
        record = self._record(reply, answer)
        if record.task_id is None or record.external_id not in {None, external_id}:
            raise reply.undocumented("another task than the one that has our id")
        return AcceptedCreate(record.task_id)

    def _record(self, reply: Reply, answer: Answer) -> Record:
        if answer.code in _UNKNOWN:
            raise ProviderRejected(f"{self.name} does not know this task")
        if answer.code != OK:
            raise self._refusal(answer, reply)
        try:
            return Record.model_validate(answer.data)
        except ValidationError:
            raise reply.undocumented("a record of another form") from None
