"""A customer's earlier generations that an order names as inputs."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from schemas.enums import Kind, Stage
from schemas.errors import InvalidRequest
from schemas.inputs import Facts, InputFacts, InputField, Origin, generation_id, generation_url
from schemas.names import ProviderName
from storage.sql import Sql, returns


@dataclass(frozen=True)
class File:
    """The stored result of a generation."""

    object_key: str
    """The key in the object store."""
    content_type: str
    """The media type."""
    size_bytes: int
    """The length of the file."""
    duration_seconds: float | None
    """The length of a video. None for an image."""
    expired_at: datetime | None
    """The time when the sweep deleted the file."""
    is_over: bool
    """Whether the time of the file is over. The sweep keeps the file for the orders that name it already."""


@dataclass(frozen=True)
class EarlierGeneration:
    """A generation, the vendor's reference to it, and the result if there is one."""

    id: UUID
    """The generation's id."""
    kind: Kind
    """Image or video."""
    stage: Stage
    """The current stage."""
    model: str
    """The model that the customer ordered."""
    provider: ProviderName
    """The provider that made the result."""
    remote_id: str | None
    """The vendor's id of the work."""
    remote_links: Mapping[str, str]
    """The vendor's links to the work, by name."""
    remote_model: str
    """The provider's name of the model."""
    resolution: str | None
    """The ordered resolution."""
    object_key: str | None
    """The key of the result in the object store. None without a result."""
    content_type: str | None
    """The media type of the result."""
    size_bytes: int | None
    """The length of the result's file."""
    duration_seconds: float | None
    """The length of a video. None for an image."""
    expired_at: datetime | None
    """The time when the sweep deleted the file."""
    is_over: bool
    """Whether the time of the file is over."""

    @property
    def file(self) -> File | None:
        """The result. None if there is no result yet."""
        if self.object_key is None or self.content_type is None or self.size_bytes is None:
            return None
        return File(
            self.object_key, self.content_type, self.size_bytes, self.duration_seconds, self.expired_at, self.is_over
        )


# The query takes no lock: if the sweep deletes a file before the create is sent, the order fails and costs nothing.
_FIND = returns(EarlierGeneration)("""
    SELECT g.id, g.kind, g.stage, g.model, g.provider, g.remote_id, g.remote_links,
           g."order" #>> ARRAY['routes', g.route_index::text, 'model'] AS remote_model,
           g."order" #>> '{inputs,resolution}' AS resolution,
           a.object_key, a.content_type, a.size_bytes, a.duration_seconds,
           a.expired_at, coalesce(a.expires_at <= now(), false) AS is_over
    FROM generations g LEFT JOIN assets a ON a.generation_id = g.id AND a.role = 'result'
    WHERE g.customer_id = %(customer_id)s AND g.id = ANY(%(ids)s::uuid[]) AND g.deleted_at IS NULL
""")


def find(sql: Sql, customer_id: UUID, urls: Iterable[str]) -> Mapping[str, EarlierGeneration]:
    """The customer's generations that these URLs name, by URL."""
    ids = sorted({found for url in urls if (found := generation_id(url)) is not None})
    if not ids:
        return {}
    return {generation_url(found.id): found for found in sql.all(_FIND, customer_id=customer_id, ids=ids)}


def facts(sql: Sql, customer_id: UUID, files: Sequence[InputField]) -> Facts:
    """The facts about the earlier generations among the files of an order.

    Raises:
        InvalidRequest: a generation does not exist, is another customer's, is not completed, is of the wrong kind, or
            its file was deleted. The error names each such field.
    """
    named = [file for file in files if generation_id(file.url) is not None]
    found = find(sql, customer_id, {file.url for file in named})
    known: dict[str, InputFacts] = {}
    problems: list[tuple[str, str]] = []
    for field in named:
        try:
            known[field.url] = _facts(field, found.get(field.url))
        except ValueError as error:
            problems.append((field.name, str(error)))
    if problems:
        raise InvalidRequest.of_fields(problems)
    return known


def _facts(field: InputField, earlier: EarlierGeneration | None) -> InputFacts:
    """The facts about a generation's result.

    Raises:
        ValueError: the field does not accept the generation. The error says why.
    """
    if earlier is None:
        raise ValueError("is no generation of yours")
    if earlier.kind is not field.kind:
        raise ValueError(f"is not a generation of a {field.kind}")
    if earlier.stage is not Stage.COMPLETED or earlier.file is None:
        raise ValueError("is not completed")
    if earlier.file.expired_at is not None or earlier.file.is_over:
        raise ValueError("has no file any more: it was deleted when its time was over")
    origin = Origin(earlier.model, earlier.provider, earlier.resolution)
    file = earlier.file
    return InputFacts(file.content_type, file.size_bytes, origin, file.duration_seconds)
