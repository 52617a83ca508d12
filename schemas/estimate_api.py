"""The answer to the estimate of an order, at every door."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

_WAIT = "seconds until its provider would get it, as things stand; null: not known, for example in a pause"


class UsualSeconds(BaseModel):
    """The time from acceptance to the stored result, of the newest completed generations of a model."""

    p50: float = Field(description="half of them took no longer")
    p90: float = Field(description="nine of ten took no longer")
    sample: int = Field(description="the number of generations, up to 100")


class EstimatedModel(BaseModel):
    """A model that could make the same."""

    model: str
    """The model's name."""
    credits: int = Field(description="the price of all outputs with this model")
    usual_seconds: UsualSeconds | None = Field(description="null for a model that has completed nothing yet")
    expected_wait_seconds: float | None = Field(description=_WAIT)


class EstimateResource(BaseModel):
    """The price of an order. Nothing is stored, and no credits are held."""

    model_config = ConfigDict(
        # The answers of an older gateway lack the newest fields, and every answer of this one has all fields.
        json_schema_serialization_defaults_required=True,
        json_schema_extra={
            "examples": [
                {
                    "object": "estimate",
                    "model": "nano-banana",
                    "credits": 4,
                    "number_of_outputs": 1,
                    "usual_seconds": {"p50": 8.2, "p90": 14.9, "sample": 100},
                    "expected_wait_seconds": 2.5,
                    "preview_of": None,
                    "models": [
                        {
                            "model": "nano-banana",
                            "credits": 4,
                            "usual_seconds": {"p50": 8.2, "p90": 14.9, "sample": 100},
                            "expected_wait_seconds": 2.5,
                        },
                        {
                            "model": "flux-schnell",
                            "credits": 1,
                            "usual_seconds": None,
                            "expected_wait_seconds": 0.0,
                        },
                    ],
                }
            ]
        },
    )

    object: Literal["estimate"] = "estimate"
    """The type of this resource."""
    model: str = Field(description="the model that would serve the order now")
    credits: int = Field(description="the price that the order would hold now, of all outputs")
    number_of_outputs: int
    """The number of generations."""
    usual_seconds: UsualSeconds | None = Field(description="null for a model that has completed nothing yet")
    expected_wait_seconds: float | None = Field(description=_WAIT)
    models: list[EstimatedModel] = Field(
        description="every model that could make the same from this request, in the order of the catalogue; of a "
        "preview, the model of the picture alone"
    )
    preview_of: EstimatedModel | None = Field(
        default=None,
        description="of a preview: the video that `continue` would make, at the price of now; null for any other order",
    )
