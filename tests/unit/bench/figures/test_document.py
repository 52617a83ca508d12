"""The bench rewrites the page of figures between the marks and nowhere else."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from bench.figures.document import BEGIN, END, PAGE, document
from bench.figures.results import GENERATIONS, Measure, Outcome, PartUse
from bench.figures.run import Run
from bench.instruments.machine import Machine

_MACHINE = Machine(
    processor="A processor",
    cores=2,
    memory_gib=8,
    kernel="Linux 6",
    python="3.11",
    postgresql="18",
    valkey="9",
    rclone="1",
    celery="5",
    sync_milliseconds=0.5,
    load_average=0.1,
    revision="abc1234",
)


def _run(rate: float, **changes: object) -> Run:
    outcome = Outcome(
        scenario="throughput",
        case="callback, 1 process",
        subject="Reelworks",
        measures=[
            Measure(what="finished", unit="1/s", values=[rate]),
            Measure(what=GENERATIONS, unit="", values=[10]),
        ],
        parts=[PartUse(part="gateway", cpu_seconds=[1.5], peak_mib=90)],
        notes=["fsync is on"],
    )
    run = Run(machine=_MACHINE, began_at=datetime(2031, 5, 4, tzinfo=UTC), rounds=1, is_quick=False, outcomes=[outcome])
    return run.model_copy(update=changes)


@pytest.fixture
def page(tmp_path: Path) -> Path:
    """A page with text before, between and after the marks."""
    path = tmp_path / "performance.md"
    path.write_text(f"# By hand\n\n{BEGIN}\nold figures\n{END}\n\nWhat was tried.\n", encoding="utf-8")
    return path


def test_handwritten_text_stays_and_old_figures_go(page: Path) -> None:
    document(_run(61.5), page)
    text = page.read_text(encoding="utf-8")
    assert text.startswith(f"# By hand\n\n{BEGIN}\n")
    assert text.endswith(f"{END}\n\nWhat was tried.\n")
    assert "old figures" not in text
    assert "| callback, 1 process | Reelworks | 61.5 | 10 |" in text
    assert "| throughput, callback mode | ≥ 60 generations/s | 61.5 generations/s | met |" in text


def test_page_has_the_machine_and_the_notes(page: Path) -> None:
    document(_run(61.5), page)
    text = page.read_text(encoding="utf-8")
    assert "A processor, 2 cores, 8 GiB" in text
    assert "revision `abc1234`" in text
    assert "fsync is on (Reelworks, callback, 1 process)" in text


def test_second_run_replaces_the_first(page: Path) -> None:
    document(_run(61.5), page)
    document(_run(10), page)
    assert "61.5" not in page.read_text(encoding="utf-8")


def test_every_plot_that_the_page_names_exists(page: Path) -> None:
    document(_run(61.5), page)
    text = page.read_text(encoding="utf-8")
    for name in ("throughput", "throughput-cpu"):
        assert f"![{name}](performance/{name}.svg)" in text
        assert "<svg" in (page.parent / "performance" / f"{name}.svg").read_text(encoding="utf-8")


def test_same_figures_give_the_same_plot(page: Path) -> None:
    picture = page.parent / "performance" / "throughput.svg"
    document(_run(61.5), page)
    first = picture.read_bytes()
    document(_run(61.5), page)
    assert picture.read_bytes() == first


def test_page_says_that_a_run_was_quick(page: Path) -> None:
    document(_run(61.5, is_quick=True), page)
    assert "quick run" in page.read_text(encoding="utf-8")


def test_page_names_a_failed_scenario(page: Path) -> None:
    document(_run(61.5, failures={"files": "StackError: no port"}), page)
    assert "**Not measured:** files: StackError: no port" in page.read_text(encoding="utf-8")


def test_scenario_without_figures_has_its_problem_and_no_plot(page: Path) -> None:
    nothing = Outcome(scenario="throughput", case="c", subject="s", measures=[], problems=["no port"])
    document(_run(61.5, outcomes=[nothing]), page)
    text = page.read_text(encoding="utf-8")
    assert "**Problem:** no port (s, c)" in text
    assert "svg" not in text


def test_page_without_marks_stays_unchanged(tmp_path: Path) -> None:
    page = tmp_path / "performance.md"
    page.write_text(f"{END} {BEGIN}", encoding="utf-8")
    with pytest.raises(ValueError, match="must hold"):
        document(_run(1), page)
    assert page.read_text(encoding="utf-8") == f"{END} {BEGIN}"


def test_real_page_has_its_marks() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert (text.count(BEGIN), text.count(END)) == (1, 1)


def test_stored_run_can_be_read() -> None:
    run = _run(61.5)
    assert Run.model_validate_json(run.model_dump_json()) == run
