"""The output folder: names of files, which outlive the process, and the task that made each."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from sandbox.task import JsonObject, Task


@dataclass(frozen=True)
class Saved:
    """A file in the output folder."""

    filename: str
    """The name, with a number behind the prefix."""
    subfolder: str
    """The folder below the output folder; empty: none."""
    stored: str
    """The name in the sandbox's media store."""
    task: Task
    """The task that made the file."""

    def shown(self) -> JsonObject:
        """The file as outputs name it."""
        return {"filename": self.filename, "subfolder": self.subfolder, "type": "output"}


class OutputFolder:
    """The files that prompts saved, by folder and name."""

    def __init__(self) -> None:
        self._files: dict[tuple[str, str], Saved] = {}

    def name(self, prefix: str, extension: str, task: Task) -> Saved:
        """The next free name for a prefix: `PREFIX_00001_.png`. What stands before a slash is the folder."""
        subfolder, _, stem = prefix.rpartition("/")
        numbered = re.compile(rf"{re.escape(stem)}_(\d+)_\.")
        taken = (numbered.match(name) for folder, name in self._files if folder == subfolder)
        number = max((int(found[1]) for found in taken if found), default=0) + 1
        filename = f"{stem}_{number:05}_.{extension}"
        stored = task.file_name if not self._is_taken(task.file_name) else f"{number}-{task.file_name}"
        saved = Saved(filename, subfolder, stored, task)
        self._files[subfolder, filename] = saved
        return saved

    def find(self, filename: str, subfolder: str) -> Saved | None:
        """The file of this name."""
        return self._files.get((subfolder, filename))

    def of(self, outputs: JsonObject) -> Iterator[Saved]:
        """The files that outputs name."""
        for output in outputs.values():
            images = output.get("images") if isinstance(output, dict) else None
            for image in images if isinstance(images, list) else []:
                if isinstance(image, dict):
                    saved = self.find(str(image["filename"]), str(image["subfolder"]))
                    if saved is not None:
                        yield saved

    def _is_taken(self, stored: str) -> bool:
        return any(saved.stored == stored for saved in self._files.values())
