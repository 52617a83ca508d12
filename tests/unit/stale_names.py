"""Which of the files, links, settings, commands and names of code on a page do not exist."""

import importlib
import importlib.util
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from inspect import signature
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperGroup

import sandbox.__main__
from schemas.setting_groups import ProviderSettings
from schemas.settings import Settings
from schemas.unprefixed import UNPREFIXED
from schemas.variables import OF_CLIENTS
from tests.unit import compose_file
from tests.unit.documentation import Page
from tests.unit.test_settings import variables_read

# What holds our code; a name that is not there is of no harm.
_CODE = (
    *("api_gateway.py", "cli.py", "cli", "gateway", "providers", "sandbox", "schemas", "stack", "storage", "tasks"),
    *(
        "workers",
        "admission",
        "agents",
        "intake",
        "notify",
        "media",
        "metrics",
        "model_server",
        "traces",
        "ops",
        "bench",
        "drills",
        "tests",
        "requirements",
        "clients/python",
    ),
)

# A reader makes these.
_OF_READERS = frozenset({"enqueue.py"})

# Names of other projects' code, which ours does not mention.
_FOREIGN = frozenset({"LongCatVideoPipeline", "OutOfMemoryError"})

_SUFFIXES = "py|md|toml|yaml|svg|txt|in|html"
_PATH = re.compile(rf"[\w.*{{}}<>…-]+(?:/[\w.*{{}}<>…-]*)+|[\w*-]+\.(?:{_SUFFIXES})|\.env\.\w+|Makefile|Dockerfile")
_PLACEHOLDER = re.compile(r"\{\w+\}|<[^>]*>|…|\b[A-Z]{2,}\b")
_SETTING = re.compile(r"\b(?:REELWORKS|SANDBOX)_[A-Z0-9_{}]*…?\*?")
_END_OF_SETTING = re.compile(r"…__([A-Z0-9]\w*)")
_COMMAND = re.compile(r"(?<![\w@:/.=-])(?:\.venv/bin/)?reelworks((?: [\w-]+)*)([^|;&)]*)")
_MODULE = re.compile(r"python3? -m (\w+(?:\.\w+)*)")
_MAKE = re.compile(r"\bmake((?: [A-Z]+=\S+)*) ([a-z-]+)((?: [A-Z]+=\S+)*)")
_CLASS = re.compile(r"([A-Z][a-z]+\w*)(?:\.(\w+))?(?:\(\))?")
# Methods of the Model Context Protocol that look like files of the folder `tasks/`.
_METHODS = {f"tasks/{name}" for name in ("get", "result", "list", "cancel", "update")}
_MEMBER = re.compile(r"([a-z_]+)\.([a-z_]+)(?:\(\))?")


# --- files and links ----------------------------------------------------------------------------------------------


def files(page: Page) -> list[str]:
    """Paths and names of files that are not there. A word in capitals stands for any name."""
    return sorted({path for path in _paths(page) if not _exists(path)})


def links(page: Page, others: Mapping[Path, Page]) -> list[str]:
    """Links to files or headings that are not there; `others` are the pages by their whole paths."""
    broken: list[str] = []
    for link in page.links:
        name, _, anchor = link.partition("#")
        target = (page.path.parent / name).resolve() if name else page.path.resolve()
        heading_is_there = not anchor or (target in others and anchor in others[target].anchors)
        if not target.exists() or not heading_is_there:
            broken.append(link)
    return broken


def _paths(page: Page) -> Iterator[str]:
    top = {path.name for path in Path().iterdir() if not path.name.startswith(".")}
    # A folder that is gone may be named still.
    top |= set(_CODE)
    for code in page.code:
        for word in re.split(r"[\s,;:()\"'=|]+", code):
            found = _PATH.fullmatch(word.rstrip("."))
            if found and found[0] not in _METHODS and ("/" not in word or word.split("/")[0] in top):
                yield found[0]


def _exists(path: str) -> bool:
    pattern = _PLACEHOLDER.sub("*", path).rstrip("/")
    return path in _OF_READERS or any(Path().glob(pattern)) or ("/" not in pattern and _is_somewhere(pattern))


def _is_somewhere(pattern: str) -> bool:
    return any(next(Path(folder).rglob(pattern), None) for folder in _CODE if Path(folder).is_dir())


# --- settings -----------------------------------------------------------------------------------------------------


def settings(page: Page) -> list[str]:
    """Variables that nothing reads. `…` and `*` at an end stand for any."""
    unknown = {name for name in _SETTING.findall(page.text) if not _is_setting(name)}
    unknown |= {f"…__{end}" for end in _END_OF_SETTING.findall(page.text) if not _is_end_of_setting(end)}
    return sorted(unknown)


@cache
def _settings() -> frozenset[str]:
    of_sandbox = re.findall(r'envvar="(\w+)"', Path("sandbox/__main__.py").read_text())
    return frozenset({*variables_read(Settings), *UNPREFIXED, *of_sandbox, *OF_CLIENTS, *compose_file.all_variables()})


def _is_setting(name: str) -> bool:
    account, is_of_account, field = name.removeprefix("REELWORKS_PROVIDERS__").partition("__")
    if name.startswith("REELWORKS_PROVIDERS__") and account:
        # Any account, and any option.
        field = "OPTIONS" if field.startswith("OPTIONS__") else field
        return not is_of_account or field in {"", "…", *map(str.upper, ProviderSettings.model_fields)}
    known = name.rstrip("…*")
    is_open = name.endswith(("…", "*", "_"))
    return known in _settings() or (is_open and any(other.startswith(known) for other in _settings()))


def _is_end_of_setting(end: str) -> bool:
    end = "OPTIONS" if end.startswith("OPTIONS__") else end
    return any(name.endswith(f"__{end}") for name in _settings())


# --- commands -----------------------------------------------------------------------------------------------------


def commands(page: Page) -> list[str]:
    """Lines with a `reelworks` command, or an option of one, that is not there."""
    wrong: list[str] = []
    for code in page.code:
        for words, rest in _COMMAND.findall(code):
            given = [word for word in words.split() if not word.startswith("-")]
            if found := _wrong_with(given, re.findall(r"--[\w-]+", words + rest)):
                wrong.append(f"{code}: {found}")
    return wrong


def _wrong_with(words: list[str], options: list[str]) -> str | None:
    command = _command_line()
    while isinstance(command, TyperGroup) and words:
        name = words.pop(0)
        if name not in command.commands:
            return f"no command {name!r}"
        command = command.commands[name]
    known = {option for parameter in command.params for option in parameter.opts} | {"--help"}
    if command.context_settings.get("ignore_unknown_options"):
        known |= {f"--{name.replace('_', '-')}" for name in signature(sandbox.__main__._run).parameters}
    return next((f"no option {option}" for option in options if option not in known), None)


def _command_line() -> Any:
    # Typer brings a Click of its own, whose types have no public name.
    scripts: Mapping[str, str] = tomllib.loads(Path("pyproject.toml").read_text())["project"]["scripts"]
    app: typer.Typer = importlib.import_module(scripts["reelworks"].partition(":")[0]).app
    return typer.main.get_command(app)


def make_targets(page: Page) -> list[str]:
    """Lines with a target of `make`, or a variable of one, that is not there."""
    makefile = Path("Makefile").read_text()
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    wrong: list[str] = []
    for code in page.code:
        for before, target, after in _MAKE.findall(code):
            variables = re.findall(r"([A-Z]+)=", before + after)
            if target not in targets or any(not re.search(rf"\b{name}\b", makefile) for name in variables):
                wrong.append(code)
    return wrong


def modules(page: Page) -> list[str]:
    """Modules that are run with `python -m`, and are not there."""
    named = {module for code in page.code for module in _MODULE.findall(code)}
    return sorted(name for name in named if importlib.util.find_spec(name) is None)


# --- names in the code --------------------------------------------------------------------------------------------


def names(page: Page) -> list[str]:
    """Classes, and members of classes and modules, that are not there: `Claim`, `Lease.fence`, `claims.hand_back`."""
    wrong: list[str] = []
    for code in page.code:
        if (found := _CLASS.fullmatch(code)) and found[1] not in _FOREIGN and not _exists(code):
            wrong += [] if _is_class(found[1], found[2] or "") else [code]
        elif (found := _MEMBER.fullmatch(code)) and not _PATH.fullmatch(code):
            wrong += [] if _is_member(found[1], found[2]) else [code]
    return wrong


@cache
def _sources() -> Mapping[Path, str]:
    paths = [path for folder in _CODE for path in (Path(folder), *Path(folder).rglob("*.py")) if path.is_file()]
    of_docs = {"stale_names.py", "test_documentation.py"}
    return {path: path.read_text() for path in paths if path.name not in of_docs}


@cache
def _words() -> frozenset[str]:
    return frozenset(word for source in _sources().values() for word in re.findall(r"\w+", source))


def _is_class(name: str, member: str) -> bool:
    defining = [source for source in _sources().values() if re.search(rf"^class {name}\b", source, re.MULTILINE)]
    if member and defining:
        return any(re.search(rf"\b{member}\b", source) for source in defining)
    return name in _words()


def _is_member(module: str, name: str) -> bool:
    """Whether our code says it so, a module of ours has the name, or a schema has a field of that name."""
    if any(f"{module}.{name}" in source for source in _sources().values()):
        return True
    of_module = [source for path, source in _sources().items() if module in {path.stem, path.parent.name}]
    of_schemas = [source for path, source in _sources().items() if path.parts[0] == "schemas"]
    return any(re.search(rf"\b{name}\b", text) for text in of_module) or any(f"{name}:" in text for text in of_schemas)


CHECKS: tuple[Callable[[Page], list[str]], ...] = (files, settings, commands, make_targets, modules, names)
"""Every check that needs one page alone."""
