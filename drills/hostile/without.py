"""`python -m drills.hostile.without`: takes the fixes out one by one, and names the attacks that find each gap.

The attacks run in a changed copy of the tree. The working tree stays as it is. Times do not count, so a busy machine
finds nothing.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from drills.hostile.fixes import FIXES
from drills.mutants import copy_tree
from drills.mutations import Mutant

console = Console()

_UNWANTED = 1
"""The exit code of an attack run with a breach."""


def main(only: Annotated[str, typer.Option(help="only fixes whose name holds this text")] = "") -> None:
    """Take out each fix and attack the doors that it guards. Exit with 1 if no attack finds a gap."""
    table = Table("fix taken out", "without it", "found by", "how", title="fixes")
    missed = 0
    for fix in (fix for fix in FIXES if only in fix.name):
        with console.status(fix.name):
            found = _found(fix)
        missed += not found
        console.print(f"{len(found)} attacks find it: {fix.name}" if found else f"NOTHING finds it: {fix.name}")
        how = escape(next(iter(found.values()), [""])[0][:80])
        table.add_row(fix.name, fix.breaks, escape("; ".join(found)) or "[red]NOTHING[/red]", how)
    console.print(table)
    raise typer.Exit(1 if missed else 0)


def _found(fix: Mutant) -> dict[str, list[str]]:
    """The broken bounds without a fix, by attack."""
    with tempfile.TemporaryDirectory(prefix="reelworks-without-") as folder:
        tree = Path(folder)
        copy_tree(tree)
        fix.apply(tree)
        written = tree / "breaches.json"
        only = [argument for check in fix.checks for argument in ("--only", check)]
        # First on the path: the installed package is the tree with the fix.
        run = subprocess.run(
            [sys.executable, "-m", "drills.hostile", *only, "--no-times", "--json", str(written)],
            cwd=tree, env={**os.environ, "PYTHONPATH": str(tree)}, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if run.returncode not in {0, _UNWANTED} or not written.exists():
            return {"the run itself": [(run.stdout + run.stderr).strip().splitlines()[-1]]}
        return {title: breaches for title, breaches in json.loads(written.read_text()).items() if breaches}


if __name__ == "__main__":
    typer.run(main)
