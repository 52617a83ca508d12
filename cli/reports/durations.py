"""Durations in few characters."""

_STEPS = ((60.0, "s", 1.0), (3600.0, "min", 60.0), (86_400.0, "h", 3600.0))
_DAY = 86_400.0


def brief(seconds: float) -> str:
    """A duration in its largest unit: `45 s`, `12 min`, `3 h`, `2 d`."""
    for end, unit, size in _STEPS:
        if seconds < end:
            return f"{int(seconds / size)} {unit}"
    return f"{int(seconds / _DAY)} d"
