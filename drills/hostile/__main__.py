"""`python -m drills.hostile`, which `make hostile` runs: attacks the running system and measures what others notice."""

import statistics
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from drills.hostile.attacks import ATTACKS, chosen
from drills.hostile.probe import Probe
from drills.hostile.report import Result, as_json, show
from drills.hostile.target import Target, running
from drills.hostile.watch import watching
from drills.hostile.witness import Witness, witnessing

console = Console()

_USUAL_ORDERS = 10
# A pause of the machine lengthens one run. A cause inside the system lengthens each of them.
_MOST_RUNS = 3


def main(
    only: Annotated[
        list[str], typer.Option(help="only the attacks on this door, or whose name holds this text; repeatable")
    ] = [],  # noqa: B006 -- typer's form of a repeatable option
    times: Annotated[
        bool, typer.Option(help="count slow answers as breaches, which a busy machine brings, too")
    ] = True,
    json: Annotated[Path | None, typer.Option(help="also write the breaches to this file")] = None,
) -> None:
    """Attack every door of a running system. Exit with 1 if an attack breaks a bound."""
    probes = chosen(only)
    if not probes:
        doors = sorted({probe.kind for probe in ATTACKS})
        console.print(f"no attack has {' or '.join(map(repr, only))} in its name; the doors are {', '.join(doors)}")
        raise typer.Exit(2)
    with (
        tempfile.TemporaryDirectory(prefix="reelworks-hostile-") as folder,
        running(Path(folder)) as target,
        witnessing(str(target.http.base_url), target.good.headers) as witness,
    ):
        usual = statistics.median(witness.order() for _ in range(_USUAL_ORDERS if times else 1))
        results = []
        for probe in probes:
            for _ in range(_MOST_RUNS):
                result = run(target, probe, usual, witness, with_times=times)
                console.print(_line(result, with_times=times))
                if not (times and result.is_only_slow):
                    break
            results.append(result)
        if json is not None:
            json.write_text(as_json(results, with_times=times))
        target.stack.check()
    raise typer.Exit(0 if show(results, console, with_times=times) else 1)


def run(target: Target, probe: Probe, usual: float, witness: Witness, *, with_times: bool) -> Result:
    """Run an attack beside an honest order, and measure both."""
    with ThreadPoolExecutor(1) as pool, watching(target, witness if with_times else None) as seen:
        attack = pool.submit(probe.attack, target)
        order_seconds = witness.order()
        try:
            answer = attack.result()
        except Exception as error:  # noqa: BLE001 -- a breach of this attack, and no end of the others
            answer = f"{type(error).__name__}: {error}"
    return Result(probe, answer, seen, order_seconds, usual)


def _line(result: Result, *, with_times: bool) -> str:
    breaches = ", ".join(result.breaches(with_times=with_times))
    return escape(f"{result.probe.title}: ") + (f"[red]{escape(breaches)}[/red]" if breaches else escape(result.answer))


if __name__ == "__main__":
    typer.run(main)
