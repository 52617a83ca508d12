"""What happens in the run: orders that succeed, fail and crash, and requests that are refused at every door."""

import base64
import json
import os
import signal
import subprocess
from urllib.parse import quote
from uuid import UUID, uuid4

import httpx
import psycopg
from pydantic import JsonValue
from redis import Redis

from metrics.targets import Target
from schemas import callback_token
from schemas.enums import Scope
from storage import api_keys
from tests.e2e.planted.garden import Output, Planted, Sort
from tests.e2e.planted.run import Run, command
from tests.media_files.images import png
from tests.support import eventually, operator_key
from tests.webhook_receiver import Answer

VIDEO: dict[str, JsonValue] = {"model": "kling-2.6-text-to-video", "duration_seconds": 5}


def live(run: Run) -> None:
    """Let everything happen in which a secret could get out."""
    _orders_that_end(run)
    _orders_whose_vendor_quotes(run)
    _refusals(run)
    _crashes(run)
    _keys(run)
    _session(run)
    _endpoints(run)
    _callbacks(run)
    _uploads(run)
    _messages(run)
    _flower(run)
    _kill(run)


def _orders_that_end(run: Run) -> None:
    word = run.system.behave()
    done = run.order("an image", prompt=f"{run.text('the prompt of an image')} {word}")
    assert run.ended("an image", done)["status"] == "completed"
    for path in ("content", "thumbnail", "timeline"):
        answer = run.system.http.get(f"/v1/generations/{done.json()['id']}/{path}", headers=run.customer.headers)
        if path == "timeline":
            run.garden.wrote(Output.TIMELINES, "of an image", answer.raise_for_status().text)
    shared = run.system.http.post(f"/v1/generations/{done.json()['id']}/shares", headers=run.customer.headers)
    link = shared.raise_for_status().json()["url"]
    run.garden.plant(Planted("the token of a share", link.partition("t=")[2], Sort.TOKEN))
    assert httpx.get(link, trust_env=False).status_code == httpx.codes.OK
    ordinary = run.text("the prompt of a video")
    video = run.order("a video", prompt=f"{ordinary} {word}", **VIDEO)
    assert run.ended("a video", video)["status"] == "completed"
    negative = run.text("a negative prompt")
    without = run.order("what is not wanted", model="qwen-image-3", negative_prompt=negative)
    assert run.ended("what is not wanted", without)["status"] == "completed"


def _orders_whose_vendor_quotes(run: Run) -> None:
    """The vendor repeats the prompt, the key and a link, in each of its answers."""
    settings = run.system.stack.settings
    vendor_key = settings.providers.named("kie").api_key.get_secret_value()
    signed = f"https://s3.example/k.png?X-Amz-Signature={run.text('a signature of a link', Sort.TOKEN)}"
    cases: dict[str, dict[str, object]] = {
        "a refused create": {"create_error": {"code": 422, "msg": "{}"}},
        "a create with an error": {"create_error": {"code": 500, "msg": "{}"}, "create_error_times": 9},
        "a failed task": {"outcome": "fail", "fail_msg": "{}"},
        "a failed read": {"poll_error": {"code": 500, "msg": "{}"}, "poll_error_times": 3},
        "an unknown state": {"state_word": "{}"},
        "a refused key": {"create_error": {"code": 401, "msg": "{}"}, "create_error_times": 9},
        "a refused download": {"download_status": 403, "download_status_times": 2},
        "a file that is a page": {"download_body": "html", "download_body_times": 1},
        "a create whose reply is garbage": {"create_reply": "garbage"},
    }
    asked = {}
    for name, behaviour in cases.items():
        prompt = run.text(f"the prompt of {name}")
        told = f"we refuse {prompt}, sent with Bearer {vendor_key}, see {signed}"
        filled = json.loads(json.dumps(behaviour).replace("{}", told))
        word = run.behaving(prompt, **filled)
        asked[name] = run.order(name, prompt=word, deadline_seconds=12)
    for name, answer in asked.items():
        run.ended(name, answer)
    text = run.text("the prompt of an account without money")
    word = run.behaving(text, create_error={"code": 402, "msg": f"{text} {vendor_key}"})
    poor = run.order("an account without money", prompt=word)
    _until_logged(run, "account_closed")
    # Until then, no order would go to the account.
    subprocess.run(command("limits", "reset", "kie"), env=run.environment, check=True, capture_output=True)
    run.ended("an account without money", poor)


def _until_logged(run: Run, event: str) -> None:
    logs = run.system.stack.folder / "logs"
    eventually(lambda: "".join(file.read_text() for file in logs.glob("*.log")), lambda text: f'"{event}"' in text)


def _refusals(run: Run) -> None:
    """Requests that are refused: wrong fields, wrong paths, wrong keys."""
    http = run.system.http
    run.order("an unknown model", model=run.text("the name of a model", Sort.NAME))
    run.order("a wrong ratio", aspect_ratio=run.text("a ratio", Sort.NAME))
    run.order("a wrong prompt", prompt=run.text("a prompt with a control character") + "\x07")
    run.order("too long a label", reference=run.text("a long reference", Sort.LABEL) * 20)
    user, password, token = (run.text(name) for name in ("a user", "a password", "a token of a link"))
    link = f"http://{user}:{password}@127.0.0.1:1/{token}.png?token={token}"
    run.order("a link with a password", model="nano-banana-edit", image_urls=[link])
    answer = run.order("a dead link", model="nano-banana-edit", image_urls=[f"http://127.0.0.1:1/{token}?t={token}"])
    if answer.status_code == httpx.codes.ACCEPTED:
        run.ended("a dead link", answer)
    content = base64.b64encode(run.text("the content of a data: URI").encode()).decode()
    run.order("a data: URI", model="nano-banana-edit", image_urls=[f"data:image/png;base64,{content}"])
    run.order("a bad callback_url", callback_url=f"ftp://host/{run.text('a wrong callback_url')}")
    secret = run.text("a text that is in the wrong place", Sort.NAME)
    wrong = f"rw_{uuid4().hex}{uuid4().hex[:11]}"
    run.garden.plant(Planted("an unknown API key", wrong, Sort.KEY))
    cookie = run.text("a cookie", Sort.NAME)
    for name, request in {
        "an unknown key": {"headers": {"Authorization": f"Bearer {wrong}"}},
        "a basic login": {"headers": {"Authorization": f"Basic {base64.b64encode(secret.encode()).decode()}"}},
        "a key in the query": {"params": {"api_key": run.customer.api_key, "text": secret}},
        "a cookie": {"headers": {"Cookie": f"session={cookie}", "X-Request-ID": "planted"}},
    }.items():
        run.garden.wrote(Output.PROBLEMS, name, http.get("/v1/generations", **request).text)  # type: ignore[arg-type]
    for path in (
        f"/v1/generations/{quote(run.customer.api_key)}",
        f"/video/?prompt={secret}",
        f"/nothing?key={secret}",
        f"/files/customers/x.png?e=1&t={secret}{secret[:11]}",
        f"/inputs/uploads/x.png?e=1&t={secret}{secret[:11]}",
        f"/shares/{uuid4()}?t={secret}{secret[:11]}",
        f"/v1/generations?text={secret}&metadata.x={secret}",
    ):
        run.garden.wrote(Output.PROBLEMS, path[:20], http.get(path, headers=run.customer.headers).text)
    body = f'{{"model": "nano-banana", "prompt": "{secret}"'
    broken = http.post(
        "/v1/generations", content=body, headers={**run.customer.headers, "Content-Type": "application/json"}
    )
    run.garden.wrote(Output.PROBLEMS, "broken JSON", broken.text)
    for path, form in {
        "/openai/v1/videos": {"prompt": run.text("a prompt for OpenAI"), "model": secret},
        "/openai/v1/images/generations": {"prompt": run.text("a prompt for an image of OpenAI"), "model": secret},
        "/api/video": {"prompt": run.text("a prompt for /api/video"), "model": secret},
    }.items():
        run.garden.wrote(Output.PROBLEMS, path, http.post(path, json=form, headers=run.customer.headers).text)


def _crashes(run: Run) -> None:
    """PostgreSQL refuses rows, and quotes them: at the order over both doors, and at the move of a worker."""
    url = run.system.stack.settings.database_url
    at_order, at_move = "w" + uuid4().hex, run.system.behave()
    prompt = "\"order\" #>> '{inputs,prompt}'"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            f"ALTER TABLE generations ADD CONSTRAINT no_order CHECK ({prompt} NOT LIKE '%{at_order}%') NOT VALID"
        )
        connection.execute(
            f"ALTER TABLE generations ADD CONSTRAINT no_move CHECK ("
            f"{prompt} NOT LIKE '%{at_move}%' OR stage <> 'downloading') NOT VALID"
        )
    lines = "\n".join(run.text(f"line {number} of a prompt that crashes") for number in range(3))
    assert run.order("a crash of the gateway", prompt=f"{lines} {at_order}").status_code == 500
    moving = run.order("a crash of a worker", prompt=f"{run.text('a prompt that crashes a worker')}\n{lines} {at_move}")
    _, answer = run.system.enqueue(
        customer_id=str(run.customer.id), request={"model": "nano-banana", "prompt": f"{lines} {at_order}"}
    )
    run.garden.wrote(Output.PROBLEMS, "a crash of the Redis door", json.dumps(answer))
    for event in ("request_failed", "request_crashed", "stage_crashed"):
        _until_logged(run, event)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("ALTER TABLE generations DROP CONSTRAINT no_order, DROP CONSTRAINT no_move")
    run.ended("a crash of a worker", moving)


def _keys(run: Run) -> None:
    """Keys of every kind make a request; one of them was revoked."""
    with run.system.database.transaction() as session:
        keys = {"the operator's key": operator_key(run.system.database)}
        owner = api_keys.Owner(run.customer.id)
        for name, terms in {
            "a second key": api_keys.Terms(scopes=tuple(Scope)[:2]),
            "a test key": api_keys.Terms(scopes=(Scope.READ, Scope.GENERATE), is_test=True),
        }.items():
            keys[name] = api_keys.create(session, owner, terms).material
    for name, key in keys.items():
        # Lists show the first characters.
        run.garden.plant(Planted(name, key[16:], Sort.KEY))
        for path in ("/v1/credits", "/v1/keys", "/v1/admin/limits", "/v1/me"):
            answer = run.system.http.get(path, headers={"X-API-Key": key})
            run.garden.wrote(Output.OWN_DOCUMENTS, f"{path} with {name}", answer.text)


def _session(run: Run) -> None:
    """A page signs in, reads and is refused, and says its tokens in wrong places."""
    with httpx.Client(base_url=run.system.http.base_url, trust_env=False) as page:
        signed_in = page.post("/v1/session", json={"api_key": run.customer.api_key}).raise_for_status().json()
        token, csrf = page.cookies["reelworks_session"], signed_in["csrf_token"]
        run.garden.plant(Planted("a session", token, Sort.TOKEN), Planted("a CSRF token", csrf, Sort.TOKEN))
        run.garden.wrote(Output.OWN_DOCUMENTS, "by a session", page.get("/v1/me").raise_for_status().text)
        for name, given in {"no CSRF token": "", "a wrong one": token, "a right one": csrf}.items():
            answer = page.post("/v1/generations", json={}, headers={"X-CSRF-Token": given})
            run.garden.wrote(Output.PROBLEMS, name, answer.text)
        for secret in (token, csrf):
            path = f"/v1/generations/{secret}"
            run.garden.wrote(Output.PROBLEMS, f"a token as an id: {len(secret)}", page.get(path).text)


def _endpoints(run: Run) -> None:
    """An endpoint that takes messages, and one that refuses them and whose URL has a token."""
    http, headers = run.system.http, run.customer.headers
    run.receiver.answer = lambda message: Answer(500 if "refuse" in message.path else 204)
    for name, path in {"an endpoint": "/take", "an endpoint that refuses": "/refuse", "a dead endpoint": "/"}.items():
        base = "http://127.0.0.1:1" if name == "a dead endpoint" else run.receiver.url
        url = f"{base}{path}?token={run.text(f'the URL of {name}')}"
        made = http.post("/v1/webhooks/endpoints", json={"url": url, "types": ["*"]}, headers=headers)
        secret = made.raise_for_status().json()["secret"]
        run.garden.plant(Planted(f"the secret of {name}", secret.removeprefix("whsec_"), Sort.ENDPOINT))
    word = run.system.behave()
    told = run.order("an order that endpoints hear", prompt=f"{run.text('the prompt of a told order')} {word}")
    run.ended("an order that endpoints hear", told)
    eventually(
        lambda: [one.path for one in run.receiver.messages], lambda paths: any("/take" in path for path in paths)
    )


def _callbacks(run: Run) -> None:
    """Callbacks with a right token and a wrong body, with a wrong token, and to the webhook of an account."""
    secret = run.system.stack.settings.secret_key.get_secret_value()
    for generation_id in run.orders[:3]:
        token = callback_token.sign(secret, UUID(generation_id))
        run.garden.plant(Planted("the token of a callback URL", token, Sort.TOKEN))
        body = {"code": 200, "msg": run.text("a text of a callback", Sort.CONTENT), "data": {"taskId": "x y"}}
        for given in (token, token[::-1]):
            answer = run.system.http.post(f"/callbacks/kie/{generation_id}?t={given}", json=body)
            run.garden.wrote(Output.PROBLEMS, f"callback {generation_id}", answer.text)
    for account in ("kie", "fal", "gemini", "kling", "replicate", "runway"):
        headers = {"webhook-signature": run.text(f"a signature of {account}", Sort.TOKEN), "webhook-id": "1"}
        answer = run.system.http.post(f"/webhooks/{account}", json=body, headers=headers)
        run.garden.wrote(Output.PROBLEMS, f"webhook of {account}", answer.text)


def _uploads(run: Run) -> None:
    name, headers = run.text("the name of a file", Sort.NAME), run.customer.headers
    given = run.system.http.post("/v1/uploads", files={"file": (f"{name}.png", png(64, 64))}, headers=headers)
    raw = run.system.http.post("/v1/uploads", content=png(64, 64), headers=headers).raise_for_status()
    run.garden.wrote(Output.PROBLEMS, "an upload as a form", given.text)
    word = run.system.behave()
    made = run.order(
        "an order with an upload",
        prompt=f"{run.text('the prompt of an order with an upload')} {word}",
        model="nano-banana-edit",
        image_urls=[raw.json()["url"]],
    )
    run.ended("an order with an upload", made)


def _messages(run: Run) -> None:
    """Messages at the Redis door that are served, that are refused, and that nobody can read."""
    word = run.system.behave()
    request: dict[str, JsonValue] = {"model": "nano-banana", "prompt": f"{run.text('a prompt over Redis')} {word}"}
    _, answer = run.system.enqueue(
        customer_id=str(run.customer.id), request=request, idempotency_key=run.text("a key over Redis", Sort.NAME)
    )
    run.orders.append(str(answer["id"]))
    run.system.finished(run.customer, str(answer["id"]))
    wrong = {**request, "model": run.text("the name of a model over Redis", Sort.NAME)}
    run.system.enqueue(customer_id=str(run.customer.id), request=wrong)
    run.system.enqueue(customer_id=run.text("the name of a customer", Sort.NAME), request=request)
    with Redis.from_url(run.system.stack.settings.redis_url) as redis:
        for queue in ("requests", "submit", "control"):
            redis.lpush(
                queue, json.dumps({"headers": {"task": "no.such.task"}, "body": run.text(f"a message in {queue}")})
            )
            redis.lpush(queue, f"no JSON {run.text(f'a text in {queue}')}")
        eventually(lambda: redis.llen("submit") + redis.llen("requests"), lambda left: left == 0)


def _flower(run: Run) -> None:
    """Requests to Flower that are refused, and a search."""
    secret = run.text("a search in Flower", Sort.NAME)
    wrong = run.text("a wrong login of Flower", Sort.NAME)
    url = run.system.stack.flower_url
    httpx.get(f"{url}/tasks?search={secret}", auth=("ops", wrong), trust_env=False)
    httpx.get(f"{url}/nothing?code={secret}", auth=run.flower_login, trust_env=False)
    httpx.post(
        f"{url}/api/task/async-apply/pipeline.wake", json={"args": [secret]}, auth=run.flower_login, trust_env=False
    )


def _kill(run: Run) -> None:
    """A worker dies while it works, and another one goes on."""
    word = run.system.behave(seconds=5)
    answer = run.order("an order of a killed worker", prompt=f"{run.text('the prompt of a killed worker')} {word}")
    # A create that a killed worker began and the vendor has not got stays unknown for minutes.
    eventually(lambda: run.system.sandbox.tasks(word), bool)
    (target,) = (one for one in Target.all_in(run.folder / "targets") if one.role == "provider")
    os.kill(target.pid, signal.SIGKILL)
    run.ended("an order of a killed worker", answer)
