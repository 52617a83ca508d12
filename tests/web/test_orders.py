"""Orders from the form to the file."""

from playwright.sync_api import Locator, Request, expect

from tests.e2e.conftest import System
from tests.support import NewCustomer, eventually
from tests.web.conftest import SHORT, Enter
from tests.web.person import Person, ready

# A model whose vendor stops work on request.
_CANCELLABLE = "LongCat-Video"

# The sandbox's task runs until the test ends it.
_FOR_LONG = 600


def id_of(site: System, customer: NewCustomer) -> str:
    """The id of the customer's only generation."""
    answer = site.http.get("/v1/generations", headers=customer.headers).raise_for_status().json()
    (generation,) = answer["data"]
    return str(generation["id"])


def finish(site: System, word: str) -> None:
    """Let the vendor end the task of a word."""
    eventually(lambda: site.sandbox.tasks(word), lambda tasks: len(tasks) == 1)
    site.sandbox.finish(word)


def position(video: Locator) -> float:
    """The second at which a video is."""
    found: float = video.evaluate("(video) => video.currentTime")
    return found


def test_an_image_comes_by_stages_and_its_file_is_what_was_made(
    site: System, enter: Enter, customer: NewCustomer
) -> None:
    person = enter(customer)
    prompt = f"a lighthouse in fog {site.behave(seconds=_FOR_LONG)}"

    card = person.order(prompt)
    expect(card).to_contain_text("Generating")
    bar = card.get_by_role("progressbar")
    assert float(bar.get_attribute("value") or 0) >= 15
    finish(site, prompt.split()[-1])
    ready(card)

    assert person.download(card.get_by_role("link", name="Download")) == site.content(customer, id_of(site, customer))
    expect(person.page.get_by_role("link", name="held")).to_have_count(0)


def test_a_video_plays_seeks_and_is_downloaded(site: System, enter: Enter, customer: NewCustomer) -> None:
    person = enter(customer)
    prompt = f"a paper boat {site.behave(delivered=SHORT)}"
    card = person.order(prompt, "Video")
    ready(card)

    card.get_by_role("link", name="Play").click()
    video = person.page.locator("video")
    expect(video).to_have_js_property("readyState", 4)
    person.page.get_by_role("group", name="Player").get_by_role("button", name="Play").click()
    eventually(lambda: position(video), lambda at: at > 0)
    person.page.get_by_role("button", name="Pause").click()
    person.page.get_by_role("slider", name="Position").fill("0.5")
    eventually(lambda: position(video), lambda at: abs(at - 0.5) < 0.1)

    saved = person.download(person.page.get_by_role("link", name="Download"))
    assert saved == site.content(customer, id_of(site, customer))


def test_a_reload_in_the_middle_keeps_the_progress(site: System, enter: Enter, customer: NewCustomer) -> None:
    person = enter(customer)
    prompt = f"a night train {site.behave(seconds=_FOR_LONG)}"
    expect(person.order(prompt)).to_contain_text("Generating")

    person.page.reload()

    card = person.card(prompt)
    expect(card).to_contain_text("Generating")
    finish(site, prompt.split()[-1])
    ready(card)


def test_an_order_is_cancelled_on_its_card(site: System, enter: Enter, customer: NewCustomer) -> None:
    person = enter(customer)
    person.choose_model(_CANCELLABLE, "Video")
    card = person.order(f"a heron {site.behave(seconds=_FOR_LONG)}", "Video")
    card.get_by_role("button", name="Cancel").click()
    expect(card).to_contain_text("Not charged")
    assert site.balance(customer) == (1000, 0)


def test_two_tabs_follow_one_stream(site: System, enter: Enter, customer: NewCustomer) -> None:
    first = enter(customer)
    # The events of this order come by the stream of the first tab.
    ready(first.order(f"a wide river {site.behave()}"))
    streams: list[Request] = []
    first.page.context.on("request", lambda request: streams.append(request) if is_stream(request) else None)
    second = Person(site, first.page.context.new_page(), first.watch)
    second.open("#/create")

    ready(first.order(f"two foxes {site.behave()}"))
    ready(second.card("two foxes"))
    assert not streams

    first.page.close()
    ready(second.order(f"an old bridge {site.behave()}"))
    assert len(streams) == 1


def is_stream(request: Request) -> bool:
    """Whether a request is for a stream of events."""
    return request.url.endswith("/v1/events")
