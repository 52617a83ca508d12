"""Measures transfers of 1 MB, 100 MB and 1 GB from the vendor into the object store, against plain `curl`.

Reelworks' time is that of its download stage, from the event at its beginning to the event at its end, and includes the
wake-up, the claim and the commit. `curl` reads the same URL in one process and writes into the same bucket in another,
with a pipe in between. Reading without writing shows the sandbox's own limit.
"""

import json
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import text

from bench.figures.results import Measure, Outcome, over_rounds
from bench.instruments.meter import Meter, memory_mib
from bench.load.curl import Curl
from bench.load.drain import wait_for
from bench.load.senders import Sender
from bench.progress import Steps
from bench.running_stack import SANDBOX, RunningStack, process_ids, running_stack
from bench.scenario import RunContext
from bench.subjects.protocols import Door
from bench.subjects.reelworks import NAME as REELWORKS
from bench.subjects.reelworks import finished, problems
from sandbox.scenarios import Delivered
from sandbox.scenarios import Scenario as Behaviour
from workers.roles import Role

NAME = "files"
CURL, SANDBOX_ALONE = "curl", "sandbox alone"
RATE, TIME, SHARE, GROWTH = "throughput", "transfer", "share of curl's throughput", "growth of the worker"

_MEMORY = Path("/dev/shm")
_WORKER = f"worker-{Role.TRANSFER}"


@dataclass(frozen=True)
class _Size:
    name: str
    size_bytes: int
    files: int
    """Files in each round, one after the other. The median counts."""


_SIZES = (_Size("1 MB", 10**6, 20), _Size("100 MB", 10**8, 3), _Size("1 GB", 10**9, 1))
_QUICK_SIZES = (_Size("1 MB", 10**6, 2), _Size("10 MB", 10**7, 1))


class Files:
    """Transfers one file after the other: Reelworks fetches the files of a size, then `curl` does."""

    name = NAME

    def measure(self, context: RunContext) -> list[Outcome]:
        """Measure every size in every round, on one running system whose worker has not moved a file yet."""
        sizes = _QUICK_SIZES if context.quick else _SIZES
        rounds: list[list[Outcome]] = []
        with (
            running_stack(context, extra_env=_in_memory()) as running,
            Steps(context, NAME, context.rounds * len(sizes)) as steps,
        ):
            idle_mib = memory_mib(process_ids(running.stack))[_WORKER]
            for number in range(1, context.rounds + 1):
                rounds.append([])
                for size in sizes:
                    steps.begin(f"round {number}, {size.name}")
                    rounds[-1] += _measure(running, size, idle_mib)
            steps.show("reading everything that was stored")
            found = problems(running.stack.settings, running.database)
        outcomes = [over_rounds(same) for same in zip(*rounds, strict=True)]
        outcomes[0].problems.extend(found)
        if not Curl.is_installed():
            outcomes[0].notes.append("curl is not installed: there is nothing to compare with")
        return outcomes


def _in_memory() -> dict[str, str]:
    """Keep the sandbox's files in memory. The first reader of a file on disk would pay for filling the page cache."""
    return {"TMPDIR": str(_MEMORY)} if _MEMORY.is_dir() else {}


def _measure(running: RunningStack, size: _Size, idle_mib: float) -> list[Outcome]:
    parts = process_ids(running.stack)
    delivered = Delivered(width=64, height=48, size_bytes=size.size_bytes)
    with running.sandbox.scenario(Behaviour(seconds=0, delivered=delivered)), Meter(parts) as meter:
        fetched = [_fetch(running) for _ in range(size.files)]
    growth = next(part.peak_mib for part in meter.use() if part.part == _WORKER) - idle_mib
    ours = _outcome(size, REELWORKS, [each.seconds for each in fetched], meter)
    ours.measures.append(Measure(what=GROWTH, unit="MiB", values=[growth]))
    if not Curl.is_installed():
        return [ours]
    curl = Curl(running.stack.settings.s3)
    with Meter({name: parts[name] for name in ("s3", SANDBOX)}) as meter:
        seconds = [curl.copy(each.url, size.size_bytes) for each in fetched]
    theirs = _outcome(size, CURL, seconds, meter)
    with Meter({SANDBOX: parts[SANDBOX]}) as meter:
        seconds = [curl.read(each.url) for each in fetched]
    alone = _outcome(size, SANDBOX_ALONE, seconds, meter)
    share = 100 * ours.measure(RATE).median / theirs.measure(RATE).median
    ours.measures.append(Measure(what=SHARE, unit="%", values=[share]))
    return [ours, theirs, alone]


@dataclass(frozen=True)
class _Fetched:
    """A stored result: its URL at the vendor, and the length of its download stage."""

    url: str
    seconds: float


_FETCHED = text("""
    SELECT g.result_urls ->> 0 AS url, extract(epoch FROM ended.created_at - begun.created_at) AS seconds
    FROM generations g
    JOIN events begun ON begun.generation_id = g.id AND begun.name = 'moved' AND begun.stage = 'downloading'
    JOIN events ended ON ended.generation_id = g.id AND ended.name = 'moved' AND ended.stage = 'storing'
    WHERE g.id = :id
""")


def _fetch(running: RunningStack) -> _Fetched:
    before = finished(running.database)
    door = running.door
    video = {"model": "kling-2.6-text-to-video", "prompt": "a lighthouse in fog", "duration_seconds": 5}
    with Sender(Door(door.url, door.headers, video)) as sender:
        generation_id = json.loads(sender.send())["id"]
    wait_for(lambda: finished(running.database), before + 1)
    with running.database.transaction() as session:
        row = session.execute(_FETCHED, {"id": generation_id}).one()
    return _Fetched(row.url, float(row.seconds))


def _outcome(size: _Size, subject: str, seconds: Sequence[float], meter: Meter) -> Outcome:
    median = statistics.median(seconds)
    return Outcome(
        scenario=NAME,
        case=size.name,
        subject=subject,
        measures=[
            Measure(what=RATE, unit="MB/s", values=[size.size_bytes / median / 10**6]),
            Measure(what=TIME, unit="s", values=[median]),
        ],
        parts=meter.use(),
    )
