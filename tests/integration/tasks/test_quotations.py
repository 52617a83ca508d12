"""A vendor repeats our key, the callback's URL and the prompt in the text of a failure. No row and no log has them."""

from collections.abc import Callable

import pytest
from redis import Redis
from structlog.testing import capture_logs

from sandbox.scenarios import Scenario
from schemas.callback_token import sign
from schemas.enums import Queue
from schemas.stages import TERMINAL
from tests.integration.tasks.conftest import Life, Lives

MARK = "lumina says"

Behaviour = Callable[[str], dict[str, object]]


@pytest.mark.parametrize(
    "behaviour",
    [
        lambda text: {"create_error": {"code": 422, "msg": text}},
        lambda text: {"create_error": {"code": 500, "msg": text}, "create_error_times": 3},
        lambda text: {"outcome": "fail", "fail_msg": text},
        lambda text: {"outcome": "fail", "fail_code": text},
        lambda text: {"poll_error": {"code": 422, "msg": text}, "outcome": "fail", "fail_msg": MARK},
    ],
    ids=["create refused", "create error", "state failed", "state failed with a code", "read refused"],
)
def test_failure_has_nothing_of_ours_in_the_row_the_timeline_and_the_logs(lives: Lives, behaviour: Behaviour) -> None:
    life, secrets = _echoed(lives, behaviour)
    with capture_logs() as lines:
        life.go(until=TERMINAL)
    with Redis.from_url(life.settings.redis_url) as redis:
        messages = [message for queue in Queue for message in redis.lrange(queue.value, 0, -1)]
    row = life.row
    shown = f"{row.error_message} {[event.data for event in life.events]} {lines} {messages}"
    assert row.error_message is not None
    assert not [secret for secret in secrets if secret in shown], shown


def _echoed(lives: Lives, behaviour: Behaviour) -> tuple[Life, list[str]]:
    """A generation whose vendor repeats all that it was sent, and these texts."""
    prompt = "a lighthouse that a log may never name"
    life = lives.begin({"prompt": prompt})
    key = life.settings.providers.named("kie").api_key.get_secret_value()
    token = sign(life.settings.secret_key.get_secret_value(), life.id)
    text = f"{MARK} 'Bearer {key}', https://gw.example/callbacks/kie/{life.id}?t={token}, {token}, '{prompt}'"
    match = {"prompt_contains": prompt}
    life.sandbox.add_scenario(
        Scenario.model_validate({"seconds": 0, "callback": "lost", "match": match, **behaviour(text)})
    )
    return life, [key, token, prompt]
