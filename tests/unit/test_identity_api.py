import pytest
from pydantic import BaseModel

from schemas.identity_api import GrantRequest, HttpBatch, HttpOrder, ManagedCustomerRequest


@pytest.mark.parametrize(
    ("model", "body"),
    [
        (HttpOrder, {"prompt": "a boat"}),
        (HttpBatch, {"requests": [{"prompt": "a boat"}]}),
        (GrantRequest, {"amount": 1, "reference": "invoice-17"}),
        (ManagedCustomerRequest, {"name": "acme"}),
    ],
)
def test_customer_of_a_request_may_be_null(model: type[BaseModel], body: dict[str, object]) -> None:
    assert model.model_validate(body | {"customer_id": None}) == model.model_validate(body)
