"""Bytes, times and numbers of nodes. A time is printed and decides no test."""

import gzip
from typing import Final

import pytest
from playwright.sync_api import Page, expect

from gateway.studio import FOLDER
from tests.e2e.conftest import System
from tests.support import NewCustomer
from tests.web.conftest import Enter
from tests.web.figures import Figures
from tests.web.gallery_rows import COUNT, fill

_MOST_BYTES: Final = 150_000
_MOST_NODES: Final = 300
_SLOWER: Final = 4

_LONG_TASKS = """
window.firstPaint = new Promise((resolve) => {
  new PerformanceObserver((list) => {
    for (const { name, startTime } of list.getEntries()) {
      if (name === 'first-contentful-paint') resolve(startTime);
    }
  }).observe({ type: 'paint', buffered: true });
});
window.longTaskEnd = 0;
new PerformanceObserver((list) => {
  for (const { startTime, duration } of list.getEntries()) {
    window.longTaskEnd = Math.max(window.longTaskEnd, startTime + duration);
  }
}).observe({ type: 'longtask', buffered: true });
"""

_INTERACTIVE = """
window.firstPaint.then((painted) => new Promise((resolve) =>
  requestIdleCallback(() => resolve(Math.max(window.longTaskEnd, painted)))))
"""

# Scrolls as a wheel does, a step a frame, and takes the time of each frame.
_SCROLL = """
(frames) => new Promise((resolve) => {
  const times = [];
  let last = performance.now();
  const step = (now) => {
    times.push(now - last);
    last = now;
    if (times.length > frames) return resolve(times.slice(1));
    scrollBy(0, 60);
    requestAnimationFrame(step);
  };
  requestAnimationFrame(step);
})
"""
_FRAMES: Final = 300


def test_the_scripts_are_small(figures: Figures) -> None:
    scripts = sorted(FOLDER.rglob("*.js"))
    total = sum(len(gzip.compress(script.read_bytes())) for script in scripts)
    figures.tell("scripts with gzip", f"{total / 1000:.1f} kB of {_MOST_BYTES / 1000:.0f} kB, {len(scripts)} files")
    assert scripts
    assert total < _MOST_BYTES


def test_the_time_to_the_first_press_on_a_slow_processor(enter: Enter, customer: NewCustomer, figures: Figures) -> None:
    person = enter()
    person.take_session(customer.api_key)
    person.page.add_init_script(_LONG_TASKS)
    devtools = person.page.context.new_cdp_session(person.page)
    devtools.send("Emulation.setCPUThrottlingRate", {"rate": _SLOWER})
    person.open("#/create")
    expect(person.generate).to_be_enabled()
    seen = person.page.evaluate("performance.now()")
    quiet = person.page.evaluate(_INTERACTIVE)
    figures.tell(
        f"time to interactive, processor {_SLOWER} times slower",
        f"{quiet / 1000:.1f} s to the end of the last long task, {seen / 1000:.1f} s until the button was seen",
    )


@pytest.fixture
def collector(site: System) -> NewCustomer:
    """A customer with a long history."""
    customer = site.customer()
    fill(site.stack.settings, customer.id, COUNT)
    return customer


def test_a_gallery_of_ten_thousand_has_few_nodes(enter: Enter, collector: NewCustomer, figures: Figures) -> None:
    person = enter(collector, place="#/gallery")
    expect(person.page.get_by_role("gridcell").first).to_be_visible()
    nodes = [_nodes(person.page)]
    frames: list[float] = []
    for _ in range(4):
        frames += person.page.evaluate(_SCROLL, _FRAMES)
        nodes.append(_nodes(person.page))
    person.page.keyboard.press("End")
    nodes.append(_nodes(person.page))
    frames.sort()
    figures.tell(
        f"gallery of {COUNT:,}",
        f"at most {max(nodes)} nodes; frame p50 {frames[len(frames) // 2]:.1f} ms, "
        f"p95 {frames[int(len(frames) * 0.95)]:.1f} ms of {len(frames)} frames",
    )
    assert max(nodes) <= _MOST_NODES


def _nodes(page: Page) -> int:
    count: int = page.evaluate("document.querySelectorAll('*').length")
    return count
