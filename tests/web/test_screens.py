"""Every screen, dark, light and on a phone: no fault of accessibility.

`WRITE_DOCS=1` draws the screens into docs/studio.
"""

import io
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import pytest
from PIL import Image
from playwright.sync_api import ViewportSize, expect

from sandbox.scenarios import Scenario
from schemas.enums import DEFAULT_SCOPES, Scope
from storage import customers, ledger
from storage.api_keys import Terms
from tests.e2e.conftest import System
from tests.support import NewCustomer, eventually, operator_key
from tests.web.axe import violations
from tests.web.conftest import Enter
from tests.web.person import Person

PICTURES: Final = Path(__file__).parents[2] / "docs" / "studio"
_COLOURS: Final = 256
_DESK: Final[ViewportSize] = {"width": 1280, "height": 800}
_PHONE: Final[ViewportSize] = {"width": 390, "height": 844}

LOOKS: Final[dict[str, tuple[Literal["dark", "light"], ViewportSize]]] = {
    "dark": ("dark", _DESK),
    "light": ("light", _DESK),
    "phone": ("dark", _PHONE),
}


@dataclass(frozen=True)
class Furnished:
    """A customer who has used the page for a while."""

    customer: NewCustomer
    """The customer."""
    operator: str
    """The operator's key."""
    image: str
    """The id of a finished image."""
    video: str
    """The id of a finished video."""
    failed: str
    """The id of a failed image."""


@dataclass(frozen=True)
class Screen:
    """A screen, and how a person comes to it."""

    name: str
    """The name of its pictures."""
    place: Callable[[Furnished], str]
    """Its address."""
    act: Callable[[Person], None] = lambda _: None
    """What the person does there, and sees at the end."""
    is_operators: bool = False
    """Whether an operator looks at the screen."""
    is_signed_in: bool = True
    """Whether the person is signed in."""


@pytest.fixture(scope="module")
def furnished(site: System) -> Furnished:
    """Orders of every end, one that runs, a key and a webhook endpoint."""
    with site.database.transaction() as session:
        made = customers.create_customer(session, "Northlight Films")
        terms = Terms(name="Northlight's page", scopes=(*DEFAULT_SCOPES, Scope.ADMIN))
        customer = NewCustomer(made.id, customers.create_api_key(session, made.id, terms))
        ledger.grant(session, made.id, 2500, reference="contract 2026-11")
    video = {"model": "veo-3-fast", "aspect_ratio": "16:9", "duration_seconds": 4}
    orders = [
        site.submit(customer, "", prompt=prompt, **settings)
        for prompt, settings in (
            ("A heron over a frozen lake, first light", {"aspect_ratio": "16:9"}),
            ("A market in the rain, seen from above", {"aspect_ratio": "1:1"}),
            ("Two foxes in a snowy valley, paper cut", {"aspect_ratio": "3:4"}),
            ("A night train leaves a harbour town", {**video}),
            ("An old bridge under northern lights", {"aspect_ratio": "4:3"}),
            ("A paper boat goes down a rainy street", {**video}),
            ("A lighthouse in fog, long exposure", {"aspect_ratio": "16:9"}),
        )
    ]
    ids = [str(answer.raise_for_status().json()["id"]) for answer in orders]
    for each in ids:
        assert site.finished(customer, each).status == "completed"
    for words, behaviour in (("famous people", {"outcome": "fail"}), ("thunderstorm", {"seconds": 3600})):
        match = {"prompt_contains": words}
        site.sandbox.add_scenario(Scenario.model_validate({"match": match, **behaviour}))
    failed = site.make(customer, "", prompt="A crowd of famous people").id
    running = site.submit(customer, "", prompt="A thunderstorm over open fields").raise_for_status().json()["id"]
    eventually(lambda: site.see(customer, running), lambda seen: seen.stage == "generating")
    endpoint = {"url": "https://films.example/hooks/reelworks", "description": "The editing room"}
    site.http.post("/v1/webhooks/endpoints", json=endpoint, headers=customer.headers).raise_for_status()
    return Furnished(customer, operator_key(site.database), ids[-1], ids[-2], failed)


def _at(place: str) -> Callable[[Furnished], str]:
    return lambda _: place


def _sees(text: str) -> Callable[[Person], None]:
    return lambda person: expect(person.page.get_by_role("main").get_by_text(text).first).to_be_visible()


def _orders(person: Person) -> None:
    expect(person.page.get_by_role("region", name="Your orders").get_by_role("article")).to_have_count(9)
    expect(person.form).to_contain_text("usually")


def _video(person: Person) -> None:
    person.form.get_by_role("radio", name="Video").check(force=True)
    expect(person.generate).to_contain_text("Generate video")
    expect(person.form.get_by_role("slider").first).to_be_visible()


def _models(person: Person) -> None:
    person.form.get_by_role("button", name="Model by").click()
    expect(person.page.get_by_role("dialog", name="Choose a model")).to_contain_text("Nano Banana")


def _code(person: Person) -> None:
    person.write(person.prompt, "A lighthouse in fog")
    person.button("Show as code").click()
    expect(person.page.get_by_role("dialog")).to_contain_text("curl")


def _keys(person: Person) -> None:
    expect(person.prompt).to_be_visible()
    person.page.keyboard.press("?")
    expect(person.page.get_by_role("dialog", name="Keys")).to_be_visible()


def _share(person: Person) -> None:
    person.button("Share").click()
    expect(person.page.get_by_role("dialog", name="Share")).to_be_visible()


def _chosen(person: Person) -> None:
    boxes = person.page.get_by_role("grid").get_by_role("checkbox")
    for place in range(2):
        boxes.nth(place + 2).check(force=True)
    expect(person.page.get_by_role("complementary", name="Chosen to compare")).to_be_visible()


def _compared(person: Person) -> None:
    _chosen(person)
    person.page.get_by_role("complementary").get_by_role("link", name="Compare").click()
    expect(person.page.get_by_role("heading", name="Compare")).to_be_visible()
    expect(person.page.get_by_role("main")).to_contain_text("in all")


def _gallery(person: Person) -> None:
    expect(person.page.get_by_role("grid", name="Generations").get_by_role("gridcell").first).to_be_visible()


def _signed_out(person: Person) -> None:
    person.sign_out()


SCREENS: Final = [
    Screen("sign-in", _at("#/create"), _signed_out, is_signed_in=False),
    Screen("create", _at("#/create"), _orders),
    Screen("create-video", _at("#/create"), _video),
    Screen("models", _at("#/create"), _models),
    Screen("code", _at("#/create"), _code),
    Screen("keys-of-the-page", _at("#/create"), _keys),
    Screen("image", lambda there: f"#/g/{there.image}", lambda person: expect(person.button("Share")).to_be_visible()),
    Screen(
        "video",
        lambda there: f"#/g/{there.video}",
        lambda person: expect(person.button("Pause").or_(person.button("Play"))).to_be_visible(),
    ),
    Screen(
        "failure",
        lambda there: f"#/g/{there.failed}",
        lambda person: expect(person.button("Try again")).to_be_visible(),
    ),
    Screen("share", lambda there: f"#/g/{there.image}", _share),
    Screen("gallery", _at("#/gallery"), _gallery),
    Screen("gallery-chosen", _at("#/gallery?status=completed"), _chosen),
    Screen("gallery-nothing", _at("#/gallery?q=submarine"), _sees("No generation meets these filters")),
    Screen("compare", _at("#/gallery?status=completed"), _compared),
    Screen("account", _at("#/account"), _sees("Northlight Films")),
    Screen("account-keys", _at("#/account/keys"), _sees("rw_")),
    Screen("account-webhooks", _at("#/account/webhooks"), _sees("films.example")),
    Screen("support", _at("#/support?q=Northlight"), _sees("Northlight Films"), is_operators=True),
    Screen("no-such-place", _at("#/nowhere"), _sees("There is no such place")),
]


@pytest.mark.parametrize("screen", SCREENS, ids=lambda screen: screen.name)
def test_a_screen_has_no_fault_of_accessibility_in_any_look(screen: Screen, enter: Enter, furnished: Furnished) -> None:
    person = _enters(screen, enter, furnished)
    screen.act(person)
    found = {}
    for look, (colours, size) in LOOKS.items():
        person.page.emulate_media(color_scheme=colours, reduced_motion="reduce")
        person.page.set_viewport_size(size)
        found[look] = violations(person.page)
        if os.environ.get("WRITE_DOCS"):
            _draw(person, PICTURES / f"{screen.name}-{look}.png")
    assert found == {look: [] for look in LOOKS}


def _enters(screen: Screen, enter: Enter, furnished: Furnished) -> Person:
    place = screen.place(furnished)
    if screen.is_signed_in:
        return enter(furnished.operator if screen.is_operators else furnished.customer, place=place, viewport=_DESK)
    person = enter(viewport=_DESK)
    person.open(place)
    return person


def _draw(person: Person, path: Path) -> None:
    """Keep a small picture of what the person sees."""
    path.parent.mkdir(exist_ok=True)
    picture = Image.open(io.BytesIO(person.page.screenshot(animations="disabled"))).convert("RGB")
    picture.quantize(_COLOURS, kmeans=2, dither=Image.Dither.NONE).save(path, optimize=True)
