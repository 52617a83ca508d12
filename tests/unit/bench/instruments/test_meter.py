"""The meter, with processes that really use time and memory."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from bench.figures.results import PartUse
from bench.instruments.meter import Meter
from tests.support import eventually

# Each process prints `up`, waits for a line, works, prints its own use, and stays until its input closes.
_FRAME = """
import subprocess, sys, time
print("up", flush=True)
sys.stdin.readline()
{work}
print({used}, flush=True)
sys.stdin.read()
"""
# The start of the interpreter takes processor time too.
_BURN = "end = time.process_time() + 0.5\nwhile time.process_time() < end: pass"
_CHILD = "import time\n" + _BURN
_BURNER = _FRAME.format(work=_BURN, used="time.process_time()")
_PARENT = _FRAME.format(
    work=f"subprocess.run([sys.executable, '-c', {_CHILD!r}], check=True)", used="time.process_time()"
)
_HOARDER = _FRAME.format(
    work="hoard = bytearray(b'x') * (64 * 2**20)\nprint(0, flush=True)\nsys.stdin.readline()\ndel hoard", used="0"
)


@contextmanager
def _process(program: str) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert _line(process) == "up"
        yield process


def _line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def _work(process: subprocess.Popen[str]) -> float:
    """Let the process work. Returns the processor seconds by the process's own account, without children."""
    assert process.stdin is not None
    process.stdin.write("go\n")
    process.stdin.flush()
    return float(_line(process))


def _metered(program: str) -> tuple[PartUse, float]:
    with _process(program) as process:
        with Meter({"it": process.pid}, every=0.01, share=1) as meter:
            own = _work(process)
        (use,) = meter.use()
    return use, own


def test_processor_time_equals_the_processs_own_account() -> None:
    use, own = _metered(_BURNER)
    (seconds,) = use.cpu_seconds
    # The kernel counts in hundredths. The interpreter started before the meter.
    assert 0.4 <= seconds <= own + 0.02


def test_processor_time_of_a_finished_child_counts() -> None:
    use, own = _metered(_PARENT)
    assert own < 0.4
    assert use.cpu_seconds[0] >= 0.48


def test_processor_time_before_the_block_does_not_count() -> None:
    with _process(_BURNER) as process:
        _work(process)
        with Meter({"it": process.pid}) as meter:
            pass
    assert meter.use()[0].cpu_seconds[0] <= 0.1


def test_released_memory_is_in_the_peak() -> None:
    with _process(_HOARDER) as process, Meter({"it": process.pid}, every=0.01, share=1) as meter:
        _work(process)
        seen = eventually(lambda: meter.use()[0].peak_mib, lambda mib: mib >= 64)
        _work(process)
    assert meter.use()[0].peak_mib >= seen


def test_ended_part_keeps_its_use() -> None:
    with _process(_BURNER) as process, Meter({"it": process.pid}, every=0.01, share=1) as meter:
        own = _work(process)
        assert process.stdin is not None
        process.stdin.close()
        process.wait()
    (seconds,) = meter.use()[0].cpu_seconds
    assert 0 < seconds <= own + 0.02


def test_parts_are_measured_separately() -> None:
    with _process(_BURNER) as busy, _process(_BURNER) as idle:
        with Meter({"busy": busy.pid, "idle": idle.pid}) as meter:
            _work(busy)
        uses = {use.part: use.cpu_seconds[0] for use in meter.use()}
    assert uses["busy"] >= 0.4
    assert uses["idle"] <= 0.1
