import json

import pytest

from gateway.dialects import error_form
from gateway.problems import BadRequest, NoResult
from gateway.seeds.app_errors import PromptTooShort
from schemas.errors import (
    InsufficientCredits,
    InternalError,
    InvalidRequest,
    KeyExpired,
    ModelRetired,
    NotFound,
    RequestError,
    Unauthenticated,
    Unavailable,
)


@pytest.mark.parametrize(
    ("error", "status", "text", "code"),
    [
        (Unauthenticated("no key"), 401, "Unauthorized", "unauthenticated"),
        (KeyExpired("too old"), 401, "Unauthorized", "key_expired"),
        (InsufficientCredits("this costs 10"), 402, "Insufficient credits", "insufficient_credits"),
        (PromptTooShort("prompt: at least 10"), 400, "Prompt too short", "invalid_request"),
        (InvalidRequest("duration: at most 10"), 400, "duration: at most 10", "invalid_request"),
        (BadRequest("no JSON"), 400, "no JSON", "bad_request"),
        (NotFound("you have no video"), 404, "you have no video", "not_found"),
        (ModelRetired("gone"), 410, "gone", "model_retired"),
        (InternalError("ours"), 500, "ours", "internal"),
        (NoResult("failed", {"error": {"code": "timeout"}}), 409, "failed", "no_result"),
    ],
)
def test_an_error_of_a_video_is_a_text_and_our_code(error: RequestError, status: int, text: str, code: str) -> None:
    answer = error_form("/api/video/generate")(error)

    body = json.loads(bytes(answer.body))
    assert (answer.status_code, answer.media_type) == (status, "application/json")
    assert (body["error"], body["code"], body["detail"]) == (text, code, error.detail)


@pytest.mark.parametrize("path", ["/api/kie-callback", "/api/kie-video-callback"])
@pytest.mark.parametrize(
    ("error", "status", "text"),
    [
        (BadRequest("Unknown state"), 400, "Unknown state"),
        (InvalidRequest("generation: must be a UUID"), 400, "generation: must be a UUID"),
        (Unauthenticated("no token"), 401, "no token"),
        (NotFound("Unknown videoNodeId"), 404, "Unknown videoNodeId"),
        (Unavailable("away"), 500, "Webhook processing error: away"),
        (InternalError("ours"), 500, "Webhook processing error: ours"),
    ],
)
def test_an_error_of_a_callback_is_plain_text(path: str, error: RequestError, status: int, text: str) -> None:
    answer = error_form(path)(error)

    assert (answer.status_code, answer.media_type, bytes(answer.body).decode()) == (status, "text/plain", text)
