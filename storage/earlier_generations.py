"""Earlier generations of a customer's that an order names as inputs."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from schemas.enums import Kind, Stage
from schemas.errors import InvalidRequest
from schemas.inputs import Facts, InputFacts, InputField, Origin, generation_id, generation_url
from schemas.names import ProviderName
from schemas.orders import GenerationRequest
from storage.sql import Sql, returns


@dataclass(frozen=True)
class File:
    """The stored result of a generation."""

    object_key: str
    content_type: str
    size_bytes: int
    duration_seconds: float | None
    expired_at: datetime | None


@dataclass(frozen=True)
class EarlierGeneration:
    """A generation, how its vendor calls it, and its result once it has one."""

    id: UUID
    kind: Kind
    stage: Stage
    model: str
    provider: ProviderName
    remote_id: str | None
    remote_links: Mapping[str, str]
    remote_model: str
    resolution: str | None
    object_key: str | None
    content_type: str | None
    size_bytes: int | None
    duration_seconds: float | None
    expired_at: datetime | None

    @property
    def file(self) -> File | None:
        """The result, once there is one."""
        if self.object_key is None or self.content_type is None or self.size_bytes is None:
            return None
        return File(self.object_key, self.content_type, self.size_bytes, self.duration_seconds, self.expired_at)


# Without a lock: what the sweep gives up before the order is sent fails the order, and costs nothing.
_FIND = returns(EarlierGeneration)("""
    SELECT g.id, g.kind, g.stage, g.model, g.provider, g.remote_id, g.remote_links,
           g."order" #>> ARRAY['routes', g.route_index::text, 'model'] AS remote_model,
           g."order" #>> '{inputs,resolution}' AS resolution,
           a.object_key, a.content_type, a.size_bytes, a.duration_seconds, a.expired_at
    FROM generations g LEFT JOIN assets a ON a.generation_id = g.id AND a.role = 'result'
    WHERE g.customer_id = %(customer_id)s AND g.id = ANY(%(ids)s::uuid[])
""")


def find(sql: Sql, customer_id: UUID, urls: Iterable[str]) -> Mapping[str, EarlierGeneration]:
    """Those of a customer's generations that are among these URLs, by URL."""
    ids = sorted({found for url in urls if (found := generation_id(url)) is not None})
    if not ids:
        return {}
    return {generation_url(found.id): found for found in sql.all(_FIND, customer_id=customer_id, ids=ids)}


def facts(sql: Sql, customer_id: UUID, request: GenerationRequest) -> Facts:
    """What is known of the generations that a request names.

    Raises:
        InvalidRequest: names each field whose generation is not there, is not the customer's, is not completed, made
            something else, or has no file any more.
    """
    files = [file for file in request.input_files() if generation_id(file.url) is not None]
    found = find(sql, customer_id, {file.url for file in files})
    known: dict[str, InputFacts] = {}
    problems: dict[str, str] = {}
    for field in files:
        try:
            known[field.url] = _facts(field, found.get(field.url))
        except ValueError as error:
            problems[field.name] = str(error)
    if problems:
        raise InvalidRequest.of_fields(problems)
    return known


def _facts(field: InputField, earlier: EarlierGeneration | None) -> InputFacts:
    """What is known of the result of a generation.

    Raises:
        ValueError: says why it is none that this field takes.
    """
    if earlier is None:
        raise ValueError("is no generation of yours")
    if earlier.kind is not field.kind:
        raise ValueError(f"is not a generation of a {field.kind}")
    if earlier.stage is not Stage.COMPLETED or earlier.file is None:
        raise ValueError("is not completed")
    if earlier.file.expired_at is not None:
        raise ValueError("has no file any more: it was deleted when its time was over")
    origin = Origin(earlier.model, earlier.provider, earlier.resolution)
    file = earlier.file
    return InputFacts(file.content_type, file.size_bytes, origin, file.duration_seconds)
