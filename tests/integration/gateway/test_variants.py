"""Variants at the gateway: the document, the files, players, and the message when all have ended."""

import io
import re
from dataclasses import dataclass
from urllib.parse import urljoin
from uuid import UUID

import av
import httpx
import pytest
from PIL import Image
from sqlalchemy import text

from schemas.settings import Settings
from schemas.variants import VariantSpec
from storage.database import Database
from storage.objects import ObjectStore
from tasks import variants
from tasks.services import WorkerServices
from tests.integration.gateway.finishing import complete
from tests.integration.gateway.videos import ORDER
from tests.integration.tasks.variants.works import clip
from tests.support import NewCustomer, a_generation


@pytest.fixture(scope="module")
def film() -> bytes:
    """Ten seconds with a key frame in each."""
    return clip("libx264", "mp4", seconds=10, options={"preset": "ultrafast", "g": "25"})


@dataclass
class Made:
    """A completed video of a customer."""

    id: UUID
    gateway: httpx.Client
    customer: NewCustomer
    database: Database
    worker: WorkerServices

    def get(self, path: str = "/content", headers: dict[str, str] | None = None, **query: str) -> httpx.Response:
        """A request of the customer."""
        sent = self.customer.headers | (headers or {})
        return self.gateway.get(f"/v1/generations/{self.id}{path}", params=query, headers=sent)

    @property
    def told(self) -> dict[str, dict[str, object]]:
        """The variants of the document, by name."""
        return {each["name"]: each for each in self.get("").json()["variants"]}

    def work(self) -> None:
        """Make the variants that are due."""
        variants.run(self.worker)


@pytest.fixture
def ordered(
    gateway: httpx.Client, customer: NewCustomer, database: Database, settings: Settings, worker: WorkerServices
) -> Made:
    """An accepted video with variants of each kind."""
    specs = [
        VariantSpec.model_validate(spec)
        for spec in ({"kind": "web"}, {"kind": "sprites"}, {"kind": "hls"}, {"name": "small", "width": 64})
    ]
    generation_id = a_generation(database, settings, customer, ORDER.model_copy(update={"variants": specs}))
    return Made(generation_id, gateway, customer, database, worker)


@pytest.fixture
def completed(ordered: Made, settings: Settings, objects: ObjectStore, film: bytes) -> Made:
    """The same, completed. No variant is made yet."""
    complete(ordered.database, settings, objects, ordered.id, film)
    with ordered.database.statement() as sql:
        sql.run("UPDATE assets SET content_type = 'video/mp4' WHERE generation_id = %(id)s", id=ordered.id)
    return ordered


@pytest.fixture
def made(completed: Made) -> Made:
    """The same, with all variants."""
    completed.work()
    return completed


def test_the_document_tells_each_state(ordered: Made, settings: Settings, objects: ObjectStore, film: bytes) -> None:
    assert {each["state"] for each in ordered.told.values()} == {"pending"}
    complete(ordered.database, settings, objects, ordered.id, film)
    with ordered.database.statement() as sql:
        sql.run("UPDATE assets SET content_type = 'video/mp4' WHERE generation_id = %(id)s", id=ordered.id)
    assert list(ordered.told) == ["web", "sprites", "hls", "small"]
    assert ordered.told["web"]["content"] is None
    ordered.work()
    web, sprites = ordered.told["web"], ordered.told["sprites"]
    assert (web["state"], web["origin"], web["keeps_provenance"]) == ("ready", "copied", False)
    assert web["content"] == f"/v1/generations/{ordered.id}/content?variant=web"
    assert isinstance(sprites["files"], list)
    assert [file["content_type"] for file in sprites["files"]] == ["image/jpeg", "text/vtt"]
    assert ordered.get("").json()["status"] == "completed"


def test_a_variant_is_streamed_with_ranges_and_tags(made: Made) -> None:
    whole = made.get(variant="web")
    assert (whole.status_code, whole.headers["content-type"]) == (200, "video/mp4")
    part = made.get(variant="web", headers={"Range": "bytes=4-7"})
    assert (part.status_code, part.content) == (206, whole.content[4:8])
    known = made.get(variant="web", headers={"If-None-Match": whole.headers["etag"]})
    assert known.status_code == 304
    assert whole.headers["etag"] != made.get().headers["etag"]


def test_a_variant_that_is_not_ready_or_not_there_says_so(completed: Made) -> None:
    pending = completed.get(variant="web")
    assert (pending.status_code, pending.json()["code"]) == (409, "variant_not_ready")
    assert pending.json()["variant_state"] == "pending"
    missing = completed.get(variant="big")
    assert (missing.status_code, missing.json()["variants"]) == (404, ["web", "sprites", "hls", "small"])
    completed.work()
    partless = completed.get(variant="web", file="index")
    assert (partless.status_code, partless.json()["files"]) == (404, ["media"])
    assert completed.get(file="index").status_code == 422


def test_a_failed_variant_tells_the_reason_and_the_result_stays(
    ordered: Made, settings: Settings, objects: ObjectStore
) -> None:
    complete(ordered.database, settings, objects, ordered.id, b"no video at all")
    with ordered.database.statement() as sql:
        sql.run("UPDATE assets SET content_type = 'video/mp4' WHERE generation_id = %(id)s", id=ordered.id)
    ordered.work()
    answer = ordered.get(variant="web")
    assert (answer.status_code, answer.json()["error"]) == (409, {"code": "not_possible"})
    assert ordered.told["web"]["error"] == {
        "code": "not_possible",
        "message": answer.json()["detail"].split(": ", 1)[1],
    }
    assert ordered.get().content == b"no video at all"
    assert ordered.get("").json()["credits"]["captured"] == ORDER.credits


def test_a_player_without_a_key_plays_a_playlist(made: Made) -> None:
    answer = made.get(variant="hls")
    assert answer.headers["content-type"] == "application/vnd.apple.mpegurl"
    links = set(re.findall(r"^http\S+", answer.text, re.MULTILINE))
    assert len(links) == 1, "one file, and one link"
    link = links.pop()
    start, length = (int(each) for each in re.findall(r"BYTERANGE:(\d+)@(\d+)", answer.text)[1][::-1])
    part = httpx.get(link, headers={"Range": f"bytes={start}-{start + length - 1}"})
    assert (part.status_code, len(part.content)) == (206, length)
    # FFmpeg's own player of HLS reads the ranges over HTTP.
    with av.open(io.BytesIO(answer.content), "r", format="hls", options=PLAYER) as container:
        assert sum(1 for _ in container.decode(video=0)) == 250
    again = made.get(variant="hls", headers={"If-None-Match": answer.headers["etag"]})
    assert again.status_code in {200, 304}, "the tag changes with the hour of the links"


PLAYER = {"protocol_whitelist": "http,tcp", "allowed_extensions": "ALL", "extension_picky": "0"}


def test_the_times_of_sprites_lead_to_their_sheet(made: Made) -> None:
    answer = made.get(variant="sprites")
    assert answer.text.startswith("WEBVTT")
    link, left, top, width, height = re.findall(r"^(http\S+)#xywh=(\d+),(\d+),(\d+),(\d+)$", answer.text, re.MULTILINE)[
        -1
    ]
    sheet = httpx.get(urljoin(str(made.gateway.base_url), link))
    assert sheet.headers["content-type"] == "image/jpeg"
    with Image.open(io.BytesIO(sheet.content)) as picture:
        assert (int(left) + int(width) <= picture.width, int(top) + int(height) <= picture.height) == (True, True)
    same = made.gateway.get(f"/openai/v1/videos/{made.id}/content?variant=spritesheet", headers=made.customer.headers)
    assert same.content == sheet.content == made.get(variant="sprites", file="media").content


@pytest.mark.parametrize("name", ["hls", "sprites"])
def test_a_text_that_the_object_store_has_lost_is_told(made: Made, name: str) -> None:
    with made.database.transaction() as session:
        keys = session.execute(
            text("SELECT object_key FROM variant_files WHERE generation_id = :id AND part = 'index'"), {"id": made.id}
        ).scalars()
        for key in keys:
            made.worker.objects.forget(key)
    answer = made.get(variant=name)
    assert (answer.status_code, answer.json()["code"]) == (409, "no_result"), answer.text
    assert answer.json()["detail"].startswith("a variant of generation")


def test_a_sprite_sheet_is_found_by_its_kind(
    gateway: httpx.Client, customer: NewCustomer, database: Database, settings: Settings, worker: WorkerServices,
    objects: ObjectStore, film: bytes,
) -> None:  # fmt: skip
    specs = [VariantSpec.model_validate({"kind": "sprites", "name": "sheet"})]
    generation_id = a_generation(database, settings, customer, ORDER.model_copy(update={"variants": specs}))
    complete(database, settings, objects, generation_id, film)
    with database.statement() as sql:
        sql.run("UPDATE assets SET content_type = 'video/mp4' WHERE generation_id = %(id)s", id=generation_id)
    variants.run(worker)
    url = f"/openai/v1/videos/{generation_id}/content?variant=spritesheet"
    answer = gateway.get(url, headers=customer.headers)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/jpeg"), answer.text


def test_links_to_variants_end_with_the_generation(made: Made) -> None:
    link = re.findall(r"^(http\S+)$", made.get(variant="hls").text, re.MULTILINE)[0]
    assert httpx.get(link).status_code == 200
    assert made.gateway.delete(f"/v1/generations/{made.id}", headers=made.customer.headers).status_code == 204
    assert httpx.get(link).status_code == 404
    assert made.get(variant="web").status_code == 404


def test_another_customer_gets_no_variant(made: Made, make_customer: object) -> None:
    assert callable(make_customer)
    other = make_customer(0)
    answer = made.gateway.get(f"/v1/generations/{made.id}/content?variant=web", headers=other.headers)
    assert answer.status_code == 404


def test_endpoints_hear_once_that_all_variants_have_ended(completed: Made) -> None:
    endpoint = {"url": "https://shop.example/hooks", "types": ["generation.variants_ended"]}
    made = completed.gateway.post("/v1/webhooks/endpoints", json=endpoint, headers=completed.customer.headers)
    assert made.status_code == 201, made.text
    completed.work()
    with completed.database.transaction() as session:
        rows = session.execute(
            text("SELECT type, data FROM webhook_deliveries WHERE generation_id = :id"), {"id": completed.id}
        ).all()
    assert [row.type for row in rows] == ["generation.variants_ended"]
    assert rows[0].data["generation_id"] == str(completed.id)
    states = {each["name"]: each["state"] for each in rows[0].data["variants"]}
    assert states == {"web": "ready", "sprites": "ready", "hls": "ready", "small": "ready"}


@pytest.mark.parametrize(
    ("variants", "words"),
    [
        (["gif"], 'must be "web", "preview", "sprites", "copy" or "hls"'),
        (["web", "web"], "two variants have the name 'web'"),
        ([{"name": "Big", "width": 64}], "must be lower-case letters"),
        ([{"width": 8}], "must be at least 16"),
        ([{"fit": "cover", "width": 64}], "needs width and height"),
        ([{"kind": "web", "width": 64}], "web takes no width"),
        ([{"name": "same"}], "a copy needs width"),
        ([{"name": "sprites", "width": 64}], "'sprites' is a kind"),
        ([{"kind": "preview", "seconds": 60}], "at most 10 seconds"),
        ([{"width": 64, "format": "webp"}], "format is of pictures"),
        ([{"name": f"v{n}", "width": 64} for n in range(9)], "may have up to 8 entries"),
        (["web", {"kind": "copy", "name": "x", "width": 64, "bitrate": 1}], "bitrate"),
    ],
)
def test_a_wrong_variant_is_refused_with_words(
    gateway: httpx.Client, customer: NewCustomer, variants: list[object], words: str
) -> None:
    body = {"model": "kling-2.6-text-to-video", "prompt": "a boat", "variants": variants}
    answer = gateway.post("/v1/generations", json=body, headers=customer.headers)
    assert answer.status_code == 422
    assert words in answer.json()["detail"]


def test_a_picture_takes_no_variant_of_videos(gateway: httpx.Client, customer: NewCustomer) -> None:
    body = {"model": "nano-banana", "prompt": "a boat", "variants": ["hls"]}
    answer = gateway.post("/v1/generations", json=body, headers=customer.headers)
    assert answer.status_code == 422
    assert "hls is of videos" in answer.text


def test_an_order_with_variants_is_accepted_and_shows_them(gateway: httpx.Client, customer: NewCustomer) -> None:
    body = {"model": "nano-banana", "prompt": "a boat", "variants": ["web", {"name": "small", "width": 64}]}
    answer = gateway.post("/v1/generations", json=body, headers=customer.headers)
    assert answer.is_success, answer.text
    assert [each["name"] for each in answer.json()["variants"]] == ["web", "small"]
