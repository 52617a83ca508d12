"""`/openai/v1/images`: an image request waits for its images, and an order that is recorded is never made twice."""

import base64
import gc
import hashlib
import json
import socket
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import Any
from uuid import UUID

import httpx
import httpx2
import pytest
from openai import APIStatusError, OpenAI
from pydantic import SecretStr
from sqlalchemy import text
from starlette.datastructures import FormData, UploadFile

from api_gateway import create_app
from gateway.openai.image_forms import EditFields, EditForm
from notify.announcements import Announcer
from schemas.enums import DEFAULT_SCOPES, ErrorCode
from schemas.setting_groups import OpenaiSettings, TestKeySettings
from schemas.settings import Settings
from storage import customers, ledger
from storage.api_keys import Owner, Terms
from storage.database import Database
from storage.ledger import Balance
from storage.objects import ObjectStore
from storage.uploads import identity
from tests.integration.gateway.finishing import complete, fail
from tests.integration.gateway.serving import serving
from tests.media_files.images import png
from tests.support import NewCustomer, eventually, sessions_that_wait

GENERATE = "/openai/v1/images/generations"
EDIT = "/openai/v1/images/edits"
ORDER = {"model": "nano-banana", "prompt": "a lighthouse in fog"}
PRICE = 4
PICTURE = png(8, 8)
OF_A_FORM = (FormData, UploadFile, EditFields, EditForm)

Post = Callable[..., httpx.Response]


class Client:
    """A client whose request waits, and the system behind the gateway."""

    def __init__(
        self,
        gateway: httpx.Client,
        impatient: httpx.Client,
        database: Database,
        settings: Settings,
        objects: ObjectStore,
        customer: NewCustomer,
    ) -> None:
        self.gateway = gateway
        self._impatient = impatient
        self._database = database
        self._settings = settings
        self._objects = objects
        self.customer = customer
        self._announcer = Announcer(settings.redis_url)
        self._pool = ThreadPoolExecutor(4)

    def close(self) -> None:
        self._pool.shutdown()
        self._announcer.close()

    def post(self, path: str = GENERATE, *, retry: int | None = 0, waits: bool = True, **body: Any) -> httpx.Response:
        headers = {**self.customer.headers, **body.pop("headers", {})}
        if retry is not None:
            headers["x-stainless-retry-count"] = str(retry)
        gateway = self.gateway if waits else self._impatient
        return gateway.post(
            path, headers=headers, **(body if {"data", "content"} & body.keys() else {"json": ORDER} | body)
        )

    def record(self, path: str = GENERATE, **body: Any) -> UUID:
        """Post without a wait; the generation."""
        answer = self.post(path, waits=False, **body)
        assert answer.status_code == 504, answer.text
        return UUID(answer.json()["error"]["generation_id"])

    def send(self, path: str = GENERATE, **body: Any) -> "Future[httpx.Response]":
        """Post in a thread."""
        return self._pool.submit(self.post, path, **body)

    def ids(self) -> list[UUID]:
        with self._database.transaction() as session:
            query = "SELECT id FROM generations WHERE customer_id = :id ORDER BY created_at DESC, id DESC"
            return [row.id for row in session.execute(text(query), {"id": self.customer.id})]

    def recorded(self, count: int) -> list[UUID]:
        """The generations, once there are so many."""
        return eventually(self.ids, lambda ids: len(ids) == count)

    def complete(self, generation_id: UUID, body: bytes = PICTURE) -> None:
        complete(self._database, self._settings, self._objects, generation_id, body)
        self._announcer.announce(generation_id, self.customer.id)

    def fail(self, generation_id: UUID, code: ErrorCode, message: str) -> None:
        fail(self._database, self._settings, generation_id, code, message)
        self._announcer.announce(generation_id, self.customer.id)

    def balance(self) -> Balance:
        with self._database.transaction() as session:
            return ledger.balance(session, self.customer.id)

    def made(self, **body: Any) -> httpx.Response:
        """The answer to a request whose images are all made."""
        sent = self.send(**body)
        count = body.get("json", {}).get("n") or 1
        for generation_id in self.recorded(count):
            self.complete(generation_id)
        return sent.result()


@pytest.fixture(scope="module")
def impatient(settings: Settings) -> Iterator[httpx.Client]:
    """A gateway that does not wait for images."""
    short = settings.model_copy(update={"openai": OpenaiSettings(image_wait_seconds=0.01)})
    with serving(create_app(short)) as client:
        yield client


@pytest.fixture
def client(
    gateway: httpx.Client,
    impatient: httpx.Client,
    database: Database,
    settings: Settings,
    objects: ObjectStore,
    customer: NewCustomer,
) -> Iterator[Client]:
    made = Client(gateway, impatient, database, settings, objects, customer)
    yield made
    made.close()


@contextmanager
def connected(client: Client) -> Iterator[None]:
    """A connection with an order. The end of the block cuts the connection."""
    address, body = client.gateway.base_url, json.dumps(ORDER).encode()
    head = f"POST {GENERATE} HTTP/1.1\r\nHost: gateway\r\nContent-Type: application/json\r\n"
    head += f"Authorization: Bearer {client.customer.api_key}\r\nContent-Length: {len(body)}\r\n"
    with socket.create_connection((address.host, address.port)) as connection:
        connection.sendall(f"{head}x-stainless-retry-count: 0\r\n\r\n".encode() + body)
        yield


def images(answer: httpx.Response) -> list[bytes]:
    return [base64.b64decode(each["b64_json"], validate=True) for each in answer.json()["data"]]


def test_image_comes_as_base64_in_the_answer(client: Client) -> None:
    answer = client.made()
    assert (answer.status_code, images(answer)) == (200, [PICTURE])
    body = answer.json()
    assert body["data"][0]["revised_prompt"] is None
    assert (body["size"], body["output_format"], body["background"]) == ("1024x768", "png", "opaque")
    assert (body["usage"]["credits"], body["usage"]["total_tokens"]) == (PRICE, 0)
    assert isinstance(body["created"], int)
    assert int(answer.headers["content-length"]) == len(answer.content)
    assert "reelworks-warning" not in answer.headers
    assert client.balance() == Balance(available=100 - PRICE, held=0)


@pytest.mark.parametrize("size", [0, 1, 65537, 200_000])
def test_file_of_any_size_is_streamed_whole(client: Client, size: int) -> None:
    content = bytes(number % 251 for number in range(size)) or b""
    sent = client.send()
    client.complete(client.recorded(1)[0], content)
    assert images(sent.result()) == [content]


def test_several_images_come_in_the_order_of_the_batch(client: Client) -> None:
    sent = client.send(json={**ORDER, "n": 3})
    ids = client.recorded(3)
    for number, generation_id in reversed(list(enumerate(ids))):
        client.complete(generation_id, b"picture %d" % number)
    answer = sent.result()
    assert images(answer) == [b"picture 0", b"picture 1", b"picture 2"]
    assert int(answer.headers["content-length"]) == len(answer.content)
    assert answer.json()["usage"]["credits"] == 3 * PRICE


def test_images_of_a_batch_come_although_one_has_failed(client: Client) -> None:
    sent = client.send(json={**ORDER, "n": 2})
    first, second = client.recorded(2)
    client.fail(first, ErrorCode.PROVIDER_FAILED, "the vendor failed")
    client.complete(second)
    answer = sent.result()
    assert (answer.status_code, images(answer)) == (200, [PICTURE])
    assert answer.headers["reelworks-warning"] == "n=2 not possible, 1 taken"


def test_link_works_without_a_key(client: Client) -> None:
    answer = client.made(json={**ORDER, "response_format": "url"})
    (image,) = answer.json()["data"]
    assert "b64_json" not in image
    assert client.gateway.get(image["url"]).content == PICTURE


def test_words_of_openai_that_no_model_takes_are_named_in_a_warning(client: Client) -> None:
    order = {
        **ORDER,
        "size": "1792x1024",
        "quality": "hd",
        "background": "transparent",
        "output_format": "webp",
        "output_compression": 80,
        "moderation": "low",
        "style": "vivid",
        "user": "user-1",
    }
    answer = client.made(json=order)
    assert answer.status_code == 200
    assert set(answer.headers["reelworks-warning"].split("; ")) == {
        "size=1792x1024 not possible, 1024x768 taken",
        "output_format=webp not possible, png taken",
        "quality ignored",
        "background ignored",
        "output_compression ignored",
        "moderation ignored",
        "style ignored",
    }
    resource = client.gateway.get(f"/v1/generations/{client.ids()[0]}", headers=client.customer.headers).json()
    assert (resource["inputs"]["aspect_ratio"], resource["metadata"]) == ("16:9", {"user": "user-1"})


def test_auto_and_null_change_nothing(client: Client) -> None:
    auto = dict.fromkeys(["size", "quality", "background", "moderation"], "auto")
    nothing = dict.fromkeys(["n", "style", "output_format", "user", "response_format", "seed", "metadata"])
    answer = client.made(json={**ORDER, **auto, **nothing, "stream": False, "output_compression": 100})
    assert (answer.status_code, images(answer)) == (200, [PICTURE])
    assert "reelworks-warning" not in answer.headers


@pytest.mark.parametrize(
    ("wrong", "param"),
    [
        ({"colour": "red"}, "colour"),
        ({"prompt": " "}, "prompt"),
        ({"n": 11}, "n"),
        ({"size": "large"}, "size"),
        ({"stream": True}, "stream"),
        ({"model": "no-such-model"}, "model"),
        ({"model": "kling-2.6-text-to-video"}, "model"),
        ({"response_format": "jpg"}, "response_format"),
        ({"style": "no-such-look"}, "style"),
        ({"user": "x" * 600}, "user"),
    ],
)
def test_wrong_field_is_named(client: Client, wrong: dict[str, object], param: str) -> None:
    answer = client.post(json={**ORDER, **wrong})
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param), answer.text
    assert client.ids() == []


def test_failure_is_told_in_openais_form_and_must_not_be_repeated(client: Client) -> None:
    sent = client.send()
    (generation_id,) = client.recorded(1)
    client.fail(generation_id, ErrorCode.CONTENT_REJECTED, "the prompt was refused")
    answer = sent.result()
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["type"]) == (400, "content_rejected", "invalid_request_error")
    assert (error["generation_id"], error["charged"]) == (str(generation_id), False)
    assert "the prompt was refused" in error["message"]
    assert client.balance() == Balance(available=100, held=0)


def test_failure_of_the_provider_is_not_repeated_by_clients(client: Client) -> None:
    sent = client.send()
    client.fail(client.recorded(1)[0], ErrorCode.PROVIDER_FAILED, "the vendor failed")
    answer = sent.result()
    assert (answer.status_code, answer.headers["x-should-retry"]) == (502, "false")
    assert answer.json()["error"]["code"] == "provider_failed"


def test_end_of_the_wait_names_the_generation_that_goes_on(client: Client) -> None:
    answer = client.post(waits=False)
    (generation_id,) = client.ids()
    error = answer.json()["error"]
    assert (answer.status_code, answer.headers["x-should-retry"]) == (504, "false")
    assert (error["code"], error["generation_id"]) == ("unfinished", str(generation_id))
    assert "do not send it again" in error["message"]
    assert f"GET /v1/generations/{generation_id}" in error["message"]
    client.complete(generation_id)
    again = client.post(retry=1)
    assert (again.status_code, images(again), again.headers["idempotency-replayed"]) == (200, [PICTURE], "true")
    assert client.balance() == Balance(available=100 - PRICE, held=0)


def test_end_of_the_wait_names_every_generation_of_a_batch(client: Client) -> None:
    answer = client.post(waits=False, json={**ORDER, "n": 2})
    assert answer.json()["error"]["generation_ids"] == list(map(str, client.ids()))


def test_client_may_ask_for_a_shorter_wait(client: Client) -> None:
    assert client.post(headers={"Prefer": "wait=1"}).status_code == 504


def test_large_images_are_links(client: Client, settings: Settings) -> None:
    small = settings.model_copy(update={"openai": OpenaiSettings(max_base64_bytes=len(PICTURE))})
    with serving(create_app(small)) as gateway:
        client.gateway = gateway
        answer = client.made(json={**ORDER, "n": 2})
    assert [sorted(each) for each in answer.json()["data"]] == [["revised_prompt", "url"]] * 2
    assert answer.headers["reelworks-warning"] == "response_format=b64_json not possible, url taken"


def test_lost_answer_and_its_retry_are_one_generation(client: Client) -> None:
    """The client's connection is cut after the insert. The generation goes on, and the retry brings its image."""
    with connected(client):
        (generation_id,) = client.recorded(1)
    retry = client.send(retry=1)
    client.complete(generation_id)
    assert images(retry.result()) == [PICTURE]
    assert client.ids() == [generation_id]
    assert client.balance() == Balance(available=100 - PRICE, held=0)


def test_order_of_a_client_that_has_gone_is_not_taken(client: Client, database: Database) -> None:
    """A slow gateway reads a request whose client has given up: the client may have ordered again elsewhere."""
    with database.transaction() as session:
        # No key can be read meanwhile.
        session.execute(text("LOCK TABLE api_keys IN ACCESS EXCLUSIVE MODE"))
        with connected(client):
            eventually(lambda: sessions_that_wait(database, "%FROM api_keys AS key%"), bool)
    # The first order is either lost or recorded when a second one has been recorded for a second.
    assert client.post(headers={"Prefer": "wait=1"}).status_code == 504
    assert len(client.ids()) == 1


def test_stop_of_the_gateway_sends_a_waiting_client_to_another(client: Client, settings: Settings) -> None:
    going_on = client.gateway
    with ExitStack() as open_client:
        with serving(create_app(settings)) as stopping:
            client.gateway = open_client.enter_context(httpx.Client(base_url=stopping.base_url, timeout=30))
            sent = client.send()
            (generation_id,) = client.recorded(1)
        answer = sent.result()
    client.gateway = going_on
    assert (answer.status_code, answer.headers["x-should-retry"]) == (503, "true")
    assert answer.json()["error"]["generation_id"] == str(generation_id)
    retry = client.send(retry=1)
    client.complete(generation_id)
    assert images(retry.result()) == [PICTURE]
    assert client.ids() == [generation_id]


def test_retry_while_the_first_attempt_waits_gets_the_same_image(client: Client) -> None:
    first = client.send()
    (generation_id,) = client.recorded(1)
    retries = [client.send(retry=number) for number in (1, 2)]
    client.complete(generation_id)
    assert [images(each.result()) for each in (first, *retries)] == [[PICTURE]] * 3
    assert client.ids() == [generation_id]


@pytest.mark.parametrize("response_format", ["b64_json", "url"])
def test_retry_after_the_time_of_its_image_says_so(client: Client, database: Database, response_format: str) -> None:
    order = {**ORDER, "response_format": response_format}
    client.complete(client.record(json=order))
    with database.transaction() as session:
        session.execute(text("UPDATE assets SET expired_at = now()"))
    again = client.post(retry=1, json=order)
    assert (again.status_code, again.json()["error"]["code"]) == (410, "asset_expired")
    assert len(client.ids()) == 1


def test_equal_orders_that_are_no_retries_are_two_images(client: Client) -> None:
    first, second = client.send(), client.send(retry=None)
    for generation_id in client.recorded(2):
        client.complete(generation_id)
    assert [each.result().status_code for each in (first, second)] == [200, 200]


def test_retry_of_another_order_is_an_order(client: Client) -> None:
    assert client.record() != client.record(retry=1, json={**ORDER, "user": "another"})
    assert len(client.ids()) == 2


def test_idempotency_key_works_here_too(client: Client) -> None:
    key = {"Idempotency-Key": "image-1"}
    sent = client.send(headers=key)
    client.complete(client.recorded(1)[0])
    again = client.post(headers=key)
    assert (images(again), again.headers["idempotency-replayed"]) == (images(sent.result()), "true")


def test_too_few_credits_are_a_402(client: Client, make_customer: Callable[[int], NewCustomer]) -> None:
    client.customer = make_customer(PRICE - 1)
    answer = client.post()
    assert (answer.status_code, answer.json()["error"]["type"]) == (402, "insufficient_quota")
    assert answer.json()["error"]["code"] == "insufficient_credits"


def edit(client: Client, *names: str, retry: int = 0, data: Mapping[str, str] | None = None) -> httpx.Response:
    """An edit of one picture for each name of a field."""
    fields = {"model": "nano-banana-edit", "prompt": "at night", **(data or {})}
    files = [(name, (f"{number}.png", png(8, 8 + number), "image/png")) for number, name in enumerate(names)]
    return client.post(EDIT, data=fields, files=files, retry=retry, waits=False)


def image_urls(client: Client) -> list[str]:
    resource = client.gateway.get(f"/v1/generations/{client.ids()[0]}", headers=client.customer.headers).json()
    urls: list[str] = resource["inputs"]["image_urls"]
    return urls


@pytest.mark.parametrize(
    "names", [("image",), ("image[]",), ("image", "image"), ("image[]", "image[]"), ("image[0]", "image[1]")]
)
def test_edit_takes_pictures_under_every_name(client: Client, names: tuple[str, ...]) -> None:
    assert edit(client, *names).status_code == 504
    pictures = [png(8, 8 + number) for number in range(len(names))]
    ids = [identity(client.customer.id, hashlib.sha256(each).hexdigest()) for each in pictures]
    assert image_urls(client) == [f"upload:{each}" for each in ids]


def test_edit_is_answered_with_its_image(client: Client) -> None:
    sent = client.send(
        EDIT, data={"model": "nano-banana-edit", "prompt": "at night", "n": "1"}, files={"image": PICTURE}
    )
    client.complete(client.recorded(1)[0])
    assert images(sent.result()) == [PICTURE]


def test_edit_takes_texts_for_pictures(client: Client) -> None:
    url = "https://pictures.example/1.png"
    answer = client.post(
        EDIT,
        data={"model": "nano-banana-edit", "prompt": "at night", "metadata[order]": "7"},
        files={"image": (None, url)},
        waits=False,
    )
    assert answer.status_code == 504, answer.text
    assert image_urls(client) == [url]


def test_edit_that_waits_keeps_nothing_of_its_form(client: Client) -> None:
    data = {"model": "nano-banana-edit", "prompt": "at night"}
    text_of_picture = f"data:image/png;base64,{base64.b64encode(png(8, 9)).decode()}"
    # What other tests of this process have left. The list keeps the ids from being given again.
    before = [each for each in gc.get_objects() if isinstance(each, OF_A_FORM)]
    known = set(map(id, before))
    sent = client.send(EDIT, data=data, files=[("image", PICTURE), ("image", (None, text_of_picture))])
    (generation_id,) = client.recorded(1)
    try:
        kept = eventually(
            lambda: [each for each in gc.get_objects() if isinstance(each, OF_A_FORM) and id(each) not in known],
            lambda found: not found,
        )
    finally:
        client.complete(generation_id)
    assert (kept, images(sent.result())) == ([], [PICTURE])
    assert len(image_urls(client)) == 2


def test_retry_of_an_edit_is_one_generation_although_its_boundary_differs(client: Client) -> None:
    first, again = edit(client, "image"), edit(client, "image", retry=1)
    assert first.json()["error"]["generation_id"] == again.json()["error"]["generation_id"]
    other = edit(client, "image", "image", retry=1)
    assert other.json()["error"]["generation_id"] != first.json()["error"]["generation_id"]
    assert len(client.ids()) == 2


@pytest.mark.parametrize(
    ("names", "data", "param"),
    [
        (("image", "mask"), {}, "mask"),
        (("image", "sketch"), {}, "sketch"),
        (("image",), {"colour": "red"}, "colour"),
        (("image",), {"n": "many"}, "n"),
        (("image",), {"model": "nano-banana"}, "image"),
    ],
)
def test_wrong_part_of_an_edit_is_named(
    client: Client, names: tuple[str, ...], data: dict[str, str], param: str
) -> None:
    answer = edit(client, *names, data=data)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param), answer.text
    assert client.ids() == []


def test_edit_without_a_picture_is_refused(client: Client) -> None:
    answer = client.post(EDIT, data={}, files={"prompt": (None, "at night")})
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "image")


def test_file_that_is_no_picture_is_refused(client: Client) -> None:
    answer = client.post(EDIT, data={"prompt": "at night"}, files={"image": b"a text"})
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "image.0")


@pytest.mark.parametrize(("content_type", "status"), [("application/json", 415), ("multipart/form-data", 400)])
def test_body_that_is_no_form_is_refused(client: Client, content_type: str, status: int) -> None:
    headers = {**client.customer.headers, "Content-Type": content_type}
    answer = client.gateway.post(EDIT, content=b"{}", headers=headers)
    assert answer.status_code == status
    assert answer.json()["error"]["message"]


class LosingTransport(httpx2.HTTPTransport):
    """Brings a request to the gateway, and loses the answer to the first attempt."""

    def __init__(self, system: Client, answer: int | None) -> None:
        super().__init__()
        self._system = system
        self._answer = answer
        self.counts: list[str] = []

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        self.counts.append(request.headers["x-stainless-retry-count"])
        if len(self.counts) > 1:
            return super().handle_request(request)
        self._system.complete(self._system.record(retry=None, headers=dict(request.headers), content=request.read()))
        if self._answer is None:
            raise httpx2.ReadError("the connection was lost")
        return httpx2.Response(self._answer, request=request)


@contextmanager
def official(client: Client, transport: httpx2.BaseTransport | None = None) -> Iterator[OpenAI]:
    """OpenAI's own client."""
    base_url = f"{str(client.gateway.base_url).rstrip('/')}/openai/v1"
    with httpx2.Client(transport=transport, trust_env=False) as http_client:
        yield OpenAI(api_key=client.customer.api_key, base_url=base_url, http_client=http_client)


@pytest.mark.parametrize("answer", [503, None])
def test_openais_client_gets_the_image_of_the_answer_that_was_lost(client: Client, answer: int | None) -> None:
    """The client sends the order again by itself, without a key."""
    transport = LosingTransport(client, answer)
    with official(client, transport) as openai:
        made = openai.images.generate(model="nano-banana", prompt="a lighthouse in fog")
    assert made.data is not None
    assert base64.b64decode(made.data[0].b64_json or "") == PICTURE
    assert transport.counts == ["0", "1"]
    assert len(client.ids()) == 1
    assert client.balance() == Balance(available=100 - PRICE, held=0)


def test_openais_client_edits_several_pictures(client: Client) -> None:
    pictures = [("a.png", png(8, 8)), ("b.png", png(8, 9))]
    with official(client) as openai, pytest.raises(APIStatusError) as error:
        openai.images.edit(
            model="nano-banana-edit", prompt="at night", image=pictures, extra_headers={"Prefer": "wait=1"}
        )
    # The client obeys, and does not send the order again.
    assert (error.value.status_code, error.value.code) == (504, "unfinished")
    assert (len(client.ids()), len(image_urls(client))) == (1, 2)


def test_test_key_makes_images_of_the_sandbox(client: Client, database: Database, settings: Settings) -> None:
    with database.transaction() as session:
        test_id = customers.ensure_test_customer(session, client.customer.id)
        owner = Owner(client.customer.id)
        key = customers.create_key_of(session, owner, Terms(scopes=tuple(DEFAULT_SCOPES), is_test=True)).material
    client.customer = NewCustomer(test_id, key)
    test_keys = TestKeySettings(sandbox_url="http://127.0.0.1:1", api_key=SecretStr("sandbox"))
    with serving(create_app(settings.model_copy(update={"test_keys": test_keys}))) as gateway:
        client.gateway = gateway
        assert images(client.made()) == [PICTURE]
