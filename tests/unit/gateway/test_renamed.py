"""Errors with the names of a dialect's fields."""

from gateway.renamed import renamed
from schemas.errors import InvalidRequest, NotFound


def test_a_field_has_the_name_of_the_dialect_in_the_text_and_in_the_list() -> None:
    error = InvalidRequest.of_fields([("duration_seconds", "must be 4 or 8"), ("prompt", "is missing")])

    told = renamed(error, {"duration_seconds": "seconds"})

    assert told.detail == "seconds: must be 4 or 8; prompt: is missing"
    assert told.extra["errors"] == [
        {"field": "seconds", "message": "must be 4 or 8"},
        {"field": "prompt", "message": "is missing"},
    ]


def test_the_name_of_an_entry_goes_before_the_name_of_its_list() -> None:
    names = {"image_urls": "images", "image_urls.0": "input_reference"}
    error = InvalidRequest.of_fields([("image_urls.0", "is empty"), ("image_urls.1", "is large")])

    assert renamed(error, names).detail == "input_reference: is empty; images.1: is large"


def test_the_refusal_of_a_model_keeps_the_models_name() -> None:
    problem = {"field": "duration_seconds", "message": "5 is not one of 4, 8", "allowed": ["4", "8"]}
    error = InvalidRequest("veo cannot do that: duration_seconds 5 is not one of 4, 8", {"errors": [problem]})

    assert renamed(error, {"duration_seconds": "seconds"}).detail == "veo cannot do that: seconds 5 is not one of 4, 8"


def test_an_error_without_fields_stays() -> None:
    assert renamed(NotFound("there is no such model"), {"model": "name"}).detail == "there is no such model"
