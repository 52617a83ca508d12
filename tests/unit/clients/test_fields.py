"""The clients' fields against the OpenAPI document of the gateway."""

import json
import re
from pathlib import Path
from typing import Any, get_type_hints

import pytest
from pydantic import BaseModel

from reelworks_client import models, orders, resources

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
    resources.Me: "MeResource",
    resources.ModelInfo: "ModelResource",
    models.Outcome: "GenerationOutcome",
    models.Queue: "QueueResource",
    models.QueuedModel: "QueuedModel",
    models.QueuePlace: "QueuePlace",
    resources.Share: "ShareResource",
    resources.Upload: "UploadResource",
    models.UsualSeconds: "UsualSeconds",
}

# The answer says these by another name, or they are of no use to a program.
LEFT_OUT = {
    "object", "links", "model_name", "key", "key_prefix", "id", "aliases", "maker", "good_for", "quality", "speed",
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
    theirs = set(SCHEMAS["GenerationRequest"]["properties"])
    assert set(get_type_hints(orders.Item)) == theirs
    assert set(get_type_hints(orders.Order)) == theirs - {"prompt", "number_of_outputs"}
    assert set(typescript("Order")) | set(typescript("Outputs")) == theirs


@pytest.mark.parametrize(
    ("interface", "schema"),
    {
        "Asset": "AssetResource",
        "Batch": "BatchResource",
        "Credits": "GenerationCredits",
        "Estimate": "EstimateResource",
        "Failure": "GenerationFailure",
        "Generation": "GenerationResource",
        "GenerationEvent": "EventResource",
        "Me": "MeResource",
        "Model": "ModelResource",
        "Outcome": "GenerationOutcome",
        "Queue": "QueueResource",
        "QueuedModel": "QueuedModel",
        "QueuePlace": "QueuePlace",
        "Share": "ShareResource",
        "Upload": "UploadResource",
    }.items(),
)
def test_answers_in_typescript_have_the_fields_of_the_gateway(interface: str, schema: str) -> None:
    theirs: dict[str, Any] = SCHEMAS[schema]["properties"]
    ours = typescript(interface)
    assert set(ours) <= set(theirs)
    assert set(theirs) - set(ours) <= LEFT_OUT | {
        "credits", "expected_wait_seconds", "model", "uploads", "usual_seconds",
    }  # fmt: skip
    nullable = {name for name, field in theirs.items() if {"type": "null"} in field.get("anyOf", [])}
    assert {name for name, kind in ours.items() if "null" in kind.split("{")[0]} == nullable & set(ours)


def typescript(interface: str) -> dict[str, str]:
    """The fields of an interface of the client for JavaScript, with their types."""
    text = Path("clients/js/src/types.ts").read_text(encoding="utf-8")
    found = re.search(rf"^export interface {interface}\b.*?\{{\n(.*?)^\}}", text, re.MULTILINE | re.DOTALL)
    assert found, interface
    return dict(re.findall(r"^  (\w+)\??: (.*);$", found[1], re.MULTILINE))


def test_filters_have_the_parameters_of_the_list() -> None:
    document = json.loads(Path("docs/openapi.json").read_text(encoding="utf-8"))
    parameters = document["paths"]["/v1/generations"]["get"]["parameters"]
    theirs = {each["name"] for each in parameters if each["in"] == "query"}
    assert set(get_type_hints(orders.Filters)) == theirs - {"cursor", "provider"}
