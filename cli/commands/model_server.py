"""`reelworks model-server`: open pipelines on this machine's GPU. It runs in the environment that has torch."""

import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.configuration import plain_settings
from cli.console import console, refuse
from schemas.logs import configure_logging

if TYPE_CHECKING:
    from model_server.configuration import Configuration

app = typer.Typer()

_CONFIG = "pipelines and settings: a TOML file (`python -m model_server.tiny FOLDER` makes one to try)"
_PROJECT = Path(__file__).parents[2]


@app.command("model-server")
def model_server(
    config: Annotated[Path, typer.Option(help=_CONFIG)],
    port: Annotated[int, typer.Option(min=1, max=65535, help="port to listen on")] = 8400,
    state: Annotated[
        Path, typer.Option(help="folder of the jobs and the results; one server uses it at a time")
    ] = Path("model-server"),
    host: Annotated[
        str, typer.Option(help="address to listen on; another than loopback needs MODEL_SERVER_API_KEY")
    ] = "127.0.0.1",
    check: Annotated[
        bool, typer.Option("--check", help="show the pipelines of the file and end; needs neither torch nor a GPU")
    ] = False,
) -> None:
    """Serve open pipelines of diffusers from this machine's GPU, or from its CPU (docs/model-server.md).

    SIGTERM lets the running job finish.
    """
    from model_server.errors import ConfigurationInvalid
    from model_server.serving import check_reach, serve
    from model_server.store import FolderInUse

    configuration = _loaded(config)
    if check:
        _show(configuration)
        return
    try:
        check_reach(configuration, host)
    except ConfigurationInvalid as error:
        refuse(str(error))
    _require_torch()
    configure_logging(plain_settings())
    try:
        serve(configuration, host=host, port=port, state=state)
    except FolderInUse as error:
        refuse(str(error))


def _show(configuration: "Configuration") -> None:
    """Show each pipeline. End the command where a folder is missing or not allowed."""
    from model_server.errors import JobFailed
    from model_server.loading import check_index, check_weights

    problems = []
    for name, pipeline in configuration.pipelines.items():
        frames = "" if pipeline.default_frames is None else f", {pipeline.frame_grid.max_frames} frames"
        most = f"{pipeline.size_grid.max_pixels} pixels{frames}, {pipeline.most_steps} steps"
        revision = f" at {pipeline.revision}" if pipeline.revision else ""
        line = f"{name}: {pipeline.class_name} from {pipeline.source}{revision}; at most {most}"
        console.print(line, soft_wrap=True, highlight=False, markup=False)
        if pipeline.is_folder:
            try:
                check_index(Path(pipeline.source), pipeline.kind)
                check_weights(Path(pipeline.source))
            except JobFailed as error:
                problems.append(f"{name}: {error.message}")
    if problems:
        refuse("\n".join(problems))


def _loaded(path: Path) -> "Configuration":
    from model_server.configuration import load
    from model_server.errors import ConfigurationInvalid

    try:
        return load(path)
    except ConfigurationInvalid as error:
        refuse(str(error))


def _require_torch() -> None:
    """Go on in the environment of `make gpu` where this one lacks torch. End the command where there is none."""
    if find_spec("torch") and find_spec("diffusers"):
        return
    command = _PROJECT / ".venv-gpu" / "bin" / "reelworks"
    if (_PROJECT / ".venv-gpu" / "installed").exists() and Path(sys.prefix).resolve() != command.parents[1].resolve():
        os.execv(command, [str(command), *sys.argv[1:]])  # noqa: S606 -- our own command
    refuse(
        "torch and diffusers are not installed here. In a clone of Reelworks: make gpu."
        " Elsewhere: pip install 'reelworks[gpu]'"
    )
