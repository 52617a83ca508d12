"""Reads the body of a video order: JSON, or a form with files."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final, TypeVar
from uuid import UUID

from fastapi import Request
from pydantic import BaseModel, ValidationError
from starlette.datastructures import UploadFile

from gateway.dependencies import GatewayServices
from gateway.form_files import FormFile, open_form
from gateway.openai.forms import nested
from gateway.openai.video_habits import VIDEO_HABITS
from gateway.problems import BadRequest, UnsupportedMediaType
from schemas.enums import Kind
from schemas.errors import InvalidRequest
from schemas.inputs import upload_url
from schemas.refusals import Place, refusal

M = TypeVar("M", bound=BaseModel)

_MOST_FILES: Final = 16
_LISTS: Final = frozenset({"frame_images", "input_references"})
_OBJECTS: Final = frozenset({"input_reference", "metadata", "video"})
_VIDEO: Final = "video"

_FORM: Final = "multipart/form-data"


@dataclass(frozen=True)
class Body:
    """The values of a body. A file of a form has a stand-in among the values."""

    values: Mapping[str, Any]
    """The values."""
    files: Mapping[str, FormFile]
    """The files, by the URLs that stand for them."""

    def parsed(self, model: type[M]) -> M:
        """The values as a model.

        Raises:
            InvalidRequest: the values do not fit. Names each wrong field.
        """
        try:
            return model.model_validate(self.values)
        except ValidationError as error:
            problems = error.errors(include_input=False, include_url=False)
            raise refusal(problems, lambda location: Place(location, model, "body", VIDEO_HABITS)) from None


@asynccontextmanager
async def body_of(request: Request, services: GatewayServices, customer_id: UUID) -> AsyncIterator[Body]:
    """The body of a request. The files of a form are open in the block.

    Raises:
        UnsupportedMediaType: the body is neither JSON nor a form.
        BadRequest: the body is malformed.
        InvalidRequest: a name in the form is malformed.
        TooManyRequests, Unavailable: there is no place for a form.
    """
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type == "application/json":
        yield Body(await _json(request), {})
    elif media_type == _FORM:
        async with open_form(request, services, customer_id, most_files=_MOST_FILES) as form:
            yield _body(nested(form.multi_items(), lists=_LISTS, objects=_OBJECTS))
    else:
        raise UnsupportedMediaType(f"send the request as {_FORM}, or as application/json")


async def _json(request: Request) -> dict[str, Any]:
    try:
        values = json.loads(await request.body())
    except json.JSONDecodeError as error:
        raise BadRequest(f"the body is not valid JSON: see character {error.pos}") from None
    except (ValueError, RecursionError):  # bytes that are no UTF-8, and numbers of thousands of digits
        raise BadRequest("the body cannot be read: send UTF-8 JSON") from None
    if not isinstance(values, dict):
        raise InvalidRequest.of_fields([("body", "must be an object")])
    return values


def _body(values: dict[str, Any]) -> Body:
    files: dict[str, FormFile] = {}
    return Body({name: _with_stand_ins(value, name, files) for name, value in values.items()}, files)


def _with_stand_ins(value: Any, place: str, files: dict[str, FormFile]) -> Any:
    """The value with the URL of an upload in place of each file. The upload is made later."""
    match value:
        case UploadFile():
            stand_in = upload_url(UUID(int=len(files)))
            files[stand_in] = FormFile(place, value, Kind.VIDEO if place == _VIDEO else Kind.IMAGE)
            return stand_in
        case Mapping():
            return {key: _with_stand_ins(inner, f"{place}.{key}", files) for key, inner in value.items()}
        case list():
            return [_with_stand_ins(inner, f"{place}.{number}", files) for number, inner in enumerate(value)]
        case _:
            return value
