"""`python -m tests.fuzz`, which `make fuzz` runs: gives random bytes to the parsers of foreign bytes for some minutes.

A case that breaks a rule is made as small as possible and kept in the corpus. `make test` tries it from then on.
"""

import hashlib
import itertools
import logging
import random
import resource
import signal
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Annotated

import structlog
import typer
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import seed as with_seed
from hypothesis.strategies import SearchStrategy
from rich.console import Console

from tests.fuzz.target import Target
from tests.fuzz.targets import TARGETS

console = Console()

_ROUND = 100
_LONGEST_SECONDS = 60
_MOST_GROWTH_MIB = 300.0


def main(
    minutes: Annotated[float, typer.Option(min=0.01, help="the time for each parser")] = 5.0,
    only: Annotated[str, typer.Option(help=f"one parser: {', '.join(TARGETS)}")] = "",
    seed: Annotated[int | None, typer.Option(help="repeats a run")] = None,
) -> None:
    """Give random bytes to the parsers of foreign bytes. Exit with 1 if a parser breaks its rule."""
    if only and only not in TARGETS:
        console.print(f"there is no parser {only!r}: choose one of {', '.join(TARGETS)}")
        raise typer.Exit(2)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    chosen = random.SystemRandom().randrange(10**6) if seed is None else seed
    console.print(f"seed {chosen}")
    found = [_run(target, minutes, chosen) for name, target in TARGETS.items() if only in {"", name}]
    raise typer.Exit(0 if all(found) else 1)


def _run(target: Target, minutes: float, seed: int) -> bool:
    """Try cases of each group in turn, until the time is over. Returns whether all kept the rule."""
    ends_at = time.monotonic() + 60 * minutes
    groups = target.cases(target.kept())
    before, count = _peak_mib(), 0
    with console.status(target.name) as status:
        for number, (group, cases) in enumerate(itertools.cycle(groups.items())):
            if time.monotonic() >= ends_at:
                break
            status.update(f"{target.name}: {count} cases, {ends_at - time.monotonic():.0f} s left, now {group}")
            case = _broken_by(target, cases, seed + number)
            count += _ROUND
            if case is not None:
                _keep(target, group, case)
                return False
    growth = _peak_mib() - before
    console.print(f"{target.name}: {count} cases of {len(groups)} groups, none broke the rule; {growth:.0f} MiB more")
    if growth > _MOST_GROWTH_MIB:
        console.print(f"[red]{target.name} took more than {_MOST_GROWTH_MIB:.0f} MiB[/red]")
    return growth <= _MOST_GROWTH_MIB


def _broken_by(target: Target, cases: SearchStrategy[bytes], seed: int) -> bytes | None:
    """A round of random cases. Returns the smallest one that breaks the rule, if one does."""
    last = b""

    def tried(case: bytes) -> None:
        nonlocal last
        last = case
        with _time_limit():
            target.check(case)

    phases = [Phase.generate, Phase.shrink]
    plan = settings(
        max_examples=_ROUND, deadline=None, database=None, phases=phases, suppress_health_check=list(HealthCheck)
    )
    try:
        plan(with_seed(seed)(given(cases)(tried)))()
    except Exception:  # noqa: BLE001 -- each error that a parser does not declare is a finding
        console.print(traceback.format_exc(limit=-4), markup=False)
        return last
    return None


def _keep(target: Target, group: str, case: bytes) -> None:
    name = f"crash-{hashlib.sha256(case).hexdigest()[:8]}"
    (target.folder / name).write_bytes(case)
    console.print(
        f"[red]{target.name}, {group}: a case breaks the rule[/red]; it is kept as {target.folder / name}.\n"
        f"Repeat it: .venv/bin/pytest tests/fuzz/test_parsers.py -k {name}\n"
        "Give the file a name that says what was wrong when you commit it with the fix."
    )


@contextmanager
def _time_limit() -> Iterator[None]:
    """Raises `TimeoutError` in a parser that does not end."""

    def stop(_: int, __: FrameType | None) -> None:
        raise TimeoutError(f"the parser takes longer than {_LONGEST_SECONDS} s")

    signal.signal(signal.SIGALRM, stop)
    signal.alarm(_LONGEST_SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)


def _peak_mib() -> float:
    # Linux counts KiB, and macOS bytes.
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1024**2


if __name__ == "__main__":
    typer.run(main)
