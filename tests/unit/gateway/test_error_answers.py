"""The answers for errors that a handler catches."""

from fastapi import FastAPI
from fastapi.testclient import TestClient
from psycopg import DataError as PsycopgDataError
from sqlalchemy.exc import DataError

from gateway.error_answers import install_error_handlers


def test_a_value_that_the_database_does_not_take_is_a_422() -> None:
    app = FastAPI()
    install_error_handlers(app)

    @app.get("/v1/things")
    def read() -> None:
        raise DataError("SELECT 1", {}, PsycopgDataError("PostgreSQL text fields cannot contain NUL (0x00) bytes"))

    answer = TestClient(app).get("/v1/things")

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert "NUL" in answer.json()["detail"]
    assert "SELECT" not in answer.text
