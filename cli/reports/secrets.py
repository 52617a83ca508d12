"""Prints the keys that sign links and callback URLs, and the steps of a rotation. Shows no key in use."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from rich.console import Console

from cli.reports.rows import show_json
from storage.secret_keys import Dependents, SigningKey


@dataclass(frozen=True)
class KeyState:
    """A key that has signed, beside the settings of this command."""

    key: SigningKey
    """The key."""
    signs: bool
    """Whether it is the key that signs now."""
    is_accepted: bool
    """Whether its signatures count."""
    dependents: Dependents
    """What still counts of the time until its last use."""

    @property
    def is_well(self) -> bool:
        """Whether its signatures count as long as something depends on the key."""
        return self.is_accepted or self.dependents.is_none

    @property
    def advice(self) -> str:
        """What to do with the key."""
        if self.signs:
            return "signs"
        if not self.is_accepted:
            return "is not accepted" + ("" if self.is_well else ": add the key to REELWORKS_ALSO_ACCEPTED_SECRET_KEYS")
        if self.dependents.is_none:
            return "is accepted, and nothing depends on it: take it out of REELWORKS_ALSO_ACCEPTED_SECRET_KEYS"
        return "is accepted, and must stay"


def show_keys(states: Sequence[KeyState], accepted: Sequence[str], console: Console, *, as_json: bool) -> bool:
    """Print the keys. Returns whether every needed key is accepted.

    Args:
        accepted: the fingerprints of the accepted keys. The first one signs.
    """
    is_well = all(state.is_well for state in states)
    if as_json:
        keys = [{**asdict(state), "advice": state.advice} for state in states]
        show_json({"well": is_well, "accepted": list(accepted), "keys": keys}, console)
        return is_well
    for state in states:
        _print(console, f"{state.key.fingerprint}  {state.advice}")
        _print(console, f"  signed from {state.key.first_signed_at:%F %T} to {state.key.last_signed_at:%F %T}")
        if not state.signs:
            for line in _depends(state.dependents):
                _print(console, f"  {line}")
    unused = [one for one in accepted if one not in {state.key.fingerprint for state in states}]
    for one in unused:
        _print(console, f"{one}  is accepted, and no process has signed with it yet")
    return is_well


def show_rotation(new: str, old: str, others: int, found: Dependents, console: Console) -> None:
    """Print the steps of a rotation.

    Args:
        new: the new key.
        old: the fingerprint of the key that signs now.
        others: the number of keys that are accepted beside it.
        found: what depends on the key now.
    """
    kept = f", after the {others} that it holds" if others else ""
    lines = [
        f"The key {old} signs now. On it depend:",
        *(f"  {line}" for line in _depends(found)),
        "Each step is a rolling restart of every process: gateway and workers.",
        f"1. Accept the new key{kept}:",
        f'   REELWORKS_ALSO_ACCEPTED_SECRET_KEYS=["{new}"]',
        "2. Sign with the new key, and accept the earlier one:",
        f"   REELWORKS_SECRET_KEY={new}",
        f'   REELWORKS_ALSO_ACCEPTED_SECRET_KEYS=["(the earlier key, {old})"]',
        "3. When `reelworks secrets check` says that nothing depends on the earlier key:",
        "   REELWORKS_ALSO_ACCEPTED_SECRET_KEYS=[]",
    ]
    for line in lines:
        _print(console, line)


def _depends(found: Dependents) -> list[str]:
    until = f", until {found.generations_until:%F %T} at the latest" if found.generations_until else ""
    shared = f", until {found.shares_until:%F %T} at the latest" if found.shares_until else ""
    return [
        f"{found.generations} generations at their providers{until}",
        f"{found.shares} share links{shared}",
        f"links to files, until {found.links_until:%F %T}",
    ]


def _print(console: Console, line: str) -> None:
    console.print(line, markup=False, highlight=False, soft_wrap=True)
