"""The client's fields against the OpenAPI document of the gateway."""

import json
from pathlib import Path
from typing import Any, get_type_hints

import pytest
from pydantic import BaseModel

from reelworks_client import models, orders

SCHEMAS: dict[str, Any] = json.loads(Path("docs/openapi.json").read_text(encoding="utf-8"))["components"]["schemas"]

ANSWERS: dict[type[BaseModel], str] = {
    models.Asset: "AssetResource",
    models.Batch: "BatchResource",
    models.Counts: "BatchCounts",
    models.Credits: "GenerationCredits",
    models.Estimate: "EstimateResource",
    models.EstimatedModel: "EstimatedModel",
    models.Event: "EventResource",
    models.Failure: "GenerationFailure",
    models.Generation: "GenerationResource",
    models.Me: "MeResource",
    models.ModelInfo: "ModelResource",
    models.Outcome: "GenerationOutcome",
    models.Share: "ShareResource",
    models.Upload: "UploadResource",
    models.UsualSeconds: "UsualSeconds",
}

# The answer says these by another name, or they are of no use to a program.
LEFT_OUT = {
    "object", "links", "model_name", "key", "key_prefix", "id", "aliases", "good_for", "quality", "speed",
    "ends_on", "paused_on", "retired_on",
}  # fmt: skip


@pytest.mark.parametrize("model", ANSWERS, ids=lambda model: model.__name__)
def test_answers_have_the_fields_of_the_gateway(model: type[BaseModel]) -> None:
    theirs: dict[str, Any] = SCHEMAS[ANSWERS[model]]["properties"]
    ours = model.model_fields
    assert set(ours) <= set(theirs)
    assert set(theirs) - set(ours) <= LEFT_OUT
    for name, field in ours.items():
        is_nullable = {"type": "null"} in theirs[name].get("anyOf", [])
        assert not is_nullable or not field.is_required(), f"{name} may be null"


def test_orders_have_the_fields_of_the_gateway() -> None:
    theirs = set(SCHEMAS["GenerationRequest"]["properties"]) | {"callback_url"}
    assert set(get_type_hints(orders.Item)) == theirs
    assert set(get_type_hints(orders.Order)) == theirs - {"prompt", "number_of_outputs"}


def test_filters_have_the_parameters_of_the_list() -> None:
    document = json.loads(Path("docs/openapi.json").read_text(encoding="utf-8"))
    parameters = document["paths"]["/v1/generations"]["get"]["parameters"]
    theirs = {each["name"] for each in parameters if each["in"] == "query"}
    assert set(get_type_hints(orders.Filters)) == theirs - {"cursor", "provider"}
