"""One running system with its page, and people who use the page in Chromium."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from schemas.settings import Settings
from stack.processes import Process, application_processes
from stack.stack import Stack
from stack.wiring import without_limits
from tests.e2e.conftest import System, system_of
from tests.support import NewCustomer, clean_settings
from tests.web.browsers import NotInstalledError, program
from tests.web.figures import Figures
from tests.web.person import Person
from tests.web.watch import Watch

CREDITS_URL: Final = "https://operator.example/credits"
"""Where the operator sells credits."""

SHORT: Final = {"width": 320, "height": 180, "duration_seconds": 2, "frame_rate": 12}
"""A delivery of the sandbox that is encoded in an instant."""

# The machine may be busy. The limit only ends a test that cannot succeed.
_LONGEST_MS: Final = 300_000
_TESTS_HERE: Final = Path(__file__).parent
_OUTCOME: Final = pytest.StashKey[pytest.TestReport]()
_FIGURES: Final = pytest.StashKey[Figures]()

Enter = Callable[..., Person]
"""Opens a window for a person: `enter(customer)` is signed in, `enter()` is not. More arguments are the window's."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test of this folder."""
    for item in items:
        if item.path.is_relative_to(_TESTS_HERE):
            item.add_marker(pytest.mark.web)
            item.add_marker(pytest.mark.timeout(900))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Any:
    """Keep the outcome of a test for its end."""
    report = yield
    if report.when == "call":
        item.stash[_OUTCOME] = report
    return report


@pytest.fixture(scope="session")
def site(run_folder: Path) -> Iterator[System]:
    """Every process that the page needs, and the sandbox as every vendor."""
    settings = without_limits(clean_settings())
    studio = settings.studio.model_copy(update={"development_sign_in": True})
    settings = settings.model_copy(update={"credits_url": CREDITS_URL, "studio": studio})
    with Stack(run_folder / "web", settings, processes=_processes) as stack:
        yield from system_of(stack)


def _processes(settings: Settings) -> Sequence[Process]:
    return [process for process in application_processes(settings) if process.name != "flower"]


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Debian's Chromium."""
    try:
        path = program("chromium")
    except NotInstalledError as error:
        pytest.fail(str(error))
    expect.set_options(timeout=_LONGEST_MS)
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path)
        yield browser
        browser.close()


@pytest.fixture
def customer(site: System) -> NewCustomer:
    """A customer of one test, with 1000 credits."""
    return site.customer()


@pytest.fixture
def enter(site: System, chromium: Browser, request: pytest.FixtureRequest, run_folder: Path) -> Iterator[Enter]:
    """Opens windows. At the end of the test, no page has done what it must not."""
    people: list[Person] = []

    def opened(customer: NewCustomer | str | None = None, *, place: str = "#/create", **options: Any) -> Person:
        context = chromium.new_context(base_url=f"{site.stack.gateway_url}/studio/", **options)
        context.set_default_timeout(_LONGEST_MS)
        watch = Watch(site.stack.gateway_url)
        watch.attach(context)
        person = Person(site, context.new_page(), watch)
        people.append(person)
        if customer is not None:
            person.take_session(customer if isinstance(customer, str) else customer.api_key)
            person.open(place)
        return person

    yield opened
    report = request.node.stash.get(_OUTCOME, None)
    has_failed = report is None or report.failed
    for number, person in enumerate(people):
        if has_failed:
            _keep(request.node, person, run_folder / f"{request.node.name}-{number}.png")
        person.page.context.close()
    if not has_failed:
        for person in people:
            person.watch.check()


def _keep(test: pytest.Item, person: Person, picture: Path) -> None:
    """Keep what the person of a failed test saw, and show it with the failure."""
    person.page.screenshot(path=picture)
    seen = [f"The page as the test left it: {picture}", person.page.locator("body").aria_snapshot()]
    test.add_report_section("teardown", "page", "\n".join([*seen, *person.watch.faults]))


@pytest.fixture(scope="session")
def figures(request: pytest.FixtureRequest) -> Figures:
    """Takes what the tests measured, for the end of the output."""
    return request.config.stash.setdefault(_FIGURES, Figures())


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print the figures."""
    if lines := config.stash.get(_FIGURES, Figures()).lines:
        terminalreporter.section("figures of the page")
        for line in lines:
            terminalreporter.write_line(line)
