"""Kling's API (https://kling.ai/document-api), in its new dialect.

Kling stores our id with each task, so `look_up` can find a create whose answer was lost.
"""

from collections.abc import Mapping
from uuid import UUID

from pydantic import ValidationError

from providers.adapters.kling.dialect import BASE_URL, OK, Dialect
from providers.adapters.kling.wire import RECORDS, Record, to_body, to_path, to_state
from providers.base import AcceptedCreate, AccountState, Profile, ProviderRequest, RemoteRef, RemoteState
from providers.http.calls import Reply
from schemas.provider_errors import ProviderRejected


class Kling(Dialect):
    """A Kling account with an API key. This dialect refuses the older pair of access key and secret key."""

    profile = Profile(title="Kling", base_url=BASE_URL, calls_back=True, signs_callbacks=True, keeps_our_id=True)
    task_key = "id"

    def _order(
        self, request: ProviderRequest, external_id: str, callback_url: str | None
    ) -> tuple[str, dict[str, object]]:
        body = to_body(request.model, request.inputs, external_id=external_id, callback_url=callback_url)
        return to_path(request.model), body

    def _state(self, remote: RemoteRef) -> RemoteState:
        reply, records = self._tasks("poll", {"task_ids": remote.remote_id})
        if not records:
            raise ProviderRejected(f"{self.name} does not know this task")
        for record in records:
            if record.id == remote.remote_id or (record.id is None and len(records) == 1):
                return to_state(record)
        raise reply.undocumented("no record of that task")

    def _look_up(self, generation_id: UUID) -> AcceptedCreate | None:
        reply, records = self._tasks("look_up", {"external_task_ids": str(generation_id)})
        if not records:
            return None
        if len(records) > 1 or records[0].id is None or records[0].external_id not in {None, str(generation_id)}:
            raise reply.undocumented("other tasks than the one that has our id")
        return AcceptedCreate(records[0].id)

    def _check(self) -> AccountState:
        # No task has the id 0. Kling omits unknown ids from its answer, so a good key gets an empty list.
        self._tasks("check", {"task_ids": "0"})
        return AccountState()

    def _tasks(self, operation: str, query: Mapping[str, str]) -> tuple[Reply, list[Record]]:
        """The reply to a query of tasks, and the records in it."""
        reply, answer = self._ask(operation, "/tasks", query)
        if answer.code != OK:
            raise self._refusal(answer, reply)
        try:
            return reply, RECORDS.validate_python(answer.data)
        except ValidationError:
            raise reply.undocumented("records of another form") from None
