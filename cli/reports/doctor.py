"""Prints the findings of `reelworks doctor`."""

from collections.abc import Sequence
from dataclasses import asdict

from rich.console import Console
from rich.markup import escape

from cli.doctor.findings import Finding, Level
from cli.reports.rows import show_json

_COLORS = {Level.OK: "green", Level.UNCHECKED: "dim", Level.WARNING: "yellow", Level.ERROR: "red"}


def show_findings(findings: Sequence[Finding], console: Console, *, as_json: bool) -> bool:
    """Print findings. Return whether none is an error."""
    counts = {level: sum(finding.level is level for finding in findings) for level in Level}
    is_well = not counts[Level.ERROR]
    if as_json:
        show_json({"well": is_well, "findings": [asdict(finding) for finding in findings]}, console)
        return is_well
    for finding in findings:
        color = _COLORS[finding.level]
        # No line is folded: users search lines with grep.
        console.print(
            f"[{color}]{finding.level.ljust(len(Level.UNCHECKED))}[/{color}]  [bold]{escape(finding.check)}[/bold]: "
            f"{escape(finding.says)}",
            soft_wrap=True,
            highlight=False,
        )
        if finding.remedy:
            console.print(f"{'':{len(Level.UNCHECKED)}}  → {escape(finding.remedy)}", soft_wrap=True, highlight=False)
    told = ", ".join(f"{count} {level}" for level, count in counts.items() if count)
    console.print(f"[bold]{told}[/bold]", highlight=False)
    return is_well
