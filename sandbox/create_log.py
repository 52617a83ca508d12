"""Counts the creates of all vendors. A test can prove with the counts that nothing was created twice."""

from collections import Counter

from sandbox.control_models import RequestCounts


class CreateLog:
    """Counts create requests that arrive, and those that are accepted and refused."""

    def __init__(self) -> None:
        self._arrived: list[str] = []
        self._accepted: list[str] = []
        self._refused: list[tuple[str, int]] = []

    def arrived(self, prompt: str) -> None:
        """Count a create before anything is decided about it."""
        self._arrived.append(prompt)

    def accepted(self, prompt: str) -> None:
        """Count an accepted task, including a task whose reply was lost."""
        self._accepted.append(prompt)

    def refused(self, prompt: str, code: int) -> None:
        """Count a create that was answered with an error."""
        self._refused.append((prompt, code))

    def counts(self, prompt_contains: str) -> RequestCounts:
        """The counts of creates whose prompt contains the text."""
        codes = Counter(code for prompt, code in self._refused if prompt_contains in prompt)
        return RequestCounts(
            arrived=sum(prompt_contains in prompt for prompt in self._arrived),
            accepted=sum(prompt_contains in prompt for prompt in self._accepted),
            refused=codes.total(),
            refused_by_code=dict(codes),
        )
