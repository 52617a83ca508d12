"""A run of a system in which secrets are planted, and what the parts of the run share."""

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from pydantic import JsonValue

from tests.e2e.conftest import System
from tests.e2e.planted.garden import Garden, Output, Sort, planted
from tests.support import NewCustomer
from tests.webhook_receiver import Receiver


@dataclass(frozen=True)
class Run:
    """A system with planted settings, and what it wrote."""

    system: System
    garden: Garden
    folder: Path
    receiver: Receiver
    customer: NewCustomer
    orders: list[str] = field(default_factory=list)
    """The ids of the generations."""

    def text(self, name: str, sort: Sort = Sort.CONTENT) -> str:
        """A planted text."""
        secret = planted(name, sort)
        self.garden.plant(secret)
        return secret.text

    def order(self, name: str, **body: JsonValue) -> httpx.Response:
        """Order something with planted texts in every field. Fields of `body` replace them."""
        whole = {
            "model": "nano-banana",
            "prompt": self.text(f"the prompt of {name}"),
            "reference": self.text(f"the reference of {name}", Sort.LABEL),
            "metadata": {"ticket": self.text(f"the metadata of {name}", Sort.LABEL)},
            "callback_url": f"{self.receiver.url}/hook?token={self.text(f'the callback_url of {name}')}",
            **body,
        }
        key = self.text(f"the idempotency key of {name}", Sort.NAME)
        given = {**self.customer.headers, "Idempotency-Key": key}
        answer = self.system.http.post("/v1/generations", json=whole, headers=given)
        if answer.status_code == httpx.codes.ACCEPTED:
            self.orders.append(answer.json()["id"])
        else:
            self.garden.wrote(Output.PROBLEMS, name, answer.text)
        return answer

    def ended(self, name: str, answer: httpx.Response) -> dict[str, Any]:
        """The end of an order."""
        assert answer.status_code == httpx.codes.ACCEPTED, (name, answer.text)
        self.system.finished(self.customer, answer.json()["id"])
        read = self.system.http.get(f"/v1/generations/{answer.json()['id']}", headers=self.customer.headers)
        self.garden.wrote(Output.OWN_DOCUMENTS, name, read.text)
        found: dict[str, Any] = read.json()
        return found

    def behaving(self, word: str, **behaviour: object) -> str:
        """A word whose orders the vendor treats so."""
        return self.system.behave(**behaviour) + " " + word

    @property
    def flower_login(self) -> tuple[str, str]:
        """The login of Flower."""
        user, _, password = self.system.stack.settings.flower_basic_auth.get_secret_value().partition(":")
        return user, password

    @property
    def environment(self) -> dict[str, str]:
        """The variables of a command."""
        return {**os.environ, **self.system.stack.env}


def command(*arguments: str) -> Sequence[str]:
    """The command line of `reelworks`."""
    return [sys.executable, "-P", "-m", "cli", *arguments]
