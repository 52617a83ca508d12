"""Counts what was asked of the vendors, so that a test can prove that nothing was created twice."""

from collections import Counter

from sandbox.control_models import RequestCounts


class CreateLog:
    """Every create request, accepted or refused."""

    def __init__(self) -> None:
        self._accepted: list[str] = []
        self._refused: list[tuple[str, int]] = []

    def accepted(self, prompt: str) -> None:
        """A task was accepted, whatever reply its client got."""
        self._accepted.append(prompt)

    def refused(self, prompt: str, code: int) -> None:
        """A create was answered with an error."""
        self._refused.append((prompt, code))

    def counts(self, prompt_contains: str) -> RequestCounts:
        """What was asked with a prompt that holds the text."""
        codes = Counter(code for prompt, code in self._refused if prompt_contains in prompt)
        return RequestCounts(
            accepted=sum(prompt_contains in prompt for prompt in self._accepted),
            refused=codes.total(),
            refused_by_code=dict(codes),
        )
