"""The error form of the seeds' `/video` and `/image`."""

import json
from http import HTTPStatus

import pytest

from gateway.dialects import error_form
from gateway.seeds.errors import GenerationFailed, NotImplementedHere, refusals
from schemas.enums import ErrorCode
from schemas.errors import InsufficientCredits, InternalError, InvalidRequest, NotFound, RequestError, Unauthenticated


@pytest.mark.parametrize("path", ["/video/generate", "/video/extend", "/image/generate", "/video/1/download"])
def test_an_error_is_an_envelope_with_the_status_and_our_code(path: str) -> None:
    answer = error_form(path)(InsufficientCredits("you have 1 credit", {"needed": 5}))

    assert answer.status_code == 402
    assert json.loads(bytes(answer.body)) == {
        "success": False,
        "code": 402,
        "message": "you have 1 credit",
        "data": None,
        "error": {"code": "insufficient_credits", "title": "Insufficient credits", "needed": 5},
    }


@pytest.mark.parametrize("path", ["/v1/generations", "/videos/x", "/"])
def test_other_paths_keep_their_form(path: str) -> None:
    assert error_form(path)(NotFound("nothing")).media_type == "application/problem+json"


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (InvalidRequest.of_fields([("prompt", "must not be empty")]), 400),
        (InvalidRequest.of_fields([("customer_id", "must be a number or text")]), 400),
        (InvalidRequest.of_fields([("settings.video.model", "is not known")]), 400),
        (InvalidRequest.of_fields([("settings.video.fps", "must be more than 0")]), 422),
        (InvalidRequest.of_fields([("prompt", "must not be empty"), ("settings.video.fps", "is wrong")]), 422),
        (InvalidRequest("the page is wrong"), 422),
        (Unauthenticated("send a key"), 401),
        (NotFound("nothing"), 404),
        (InternalError("a bug"), 500),
        (NotImplementedHere("the model extends no video"), 501),
        (GenerationFailed(ErrorCode.PROVIDER_FAILED, "the provider failed"), 502),
        (GenerationFailed(ErrorCode.DOWNLOAD_FAILED, "the file did not come"), 502),
        (GenerationFailed(ErrorCode.INTERNAL, "a bug"), 500),
    ],
)
def test_each_error_has_the_status_of_the_seed(error: RequestError, status: HTTPStatus) -> None:
    answer = error_form("/video/generate")(error)

    assert (answer.status_code, json.loads(bytes(answer.body))["code"]) == (status, status)


def test_the_document_has_an_example_of_each_error() -> None:
    described = refusals(InvalidRequest, NotFound)

    assert list(described) == [400, 404, 422]
