"""Reads the configuration file: the server's settings, and its pipelines."""

import os
import re
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator, model_validator

from model_server.classes import CLASSES, PipelineClass
from model_server.errors import ConfigurationInvalid
from model_server.grids import FrameGrid, SizeGrid

API_KEY = "MODEL_SERVER_API_KEY"
"""The variable with the key that calls must carry."""
WEBHOOK_KEY = "MODEL_SERVER_WEBHOOK_KEY"
"""The variable with the key that signs webhooks: `whsec_` and base64."""

_REVISION = re.compile(r"[0-9a-f]{40}")
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_WEBHOOK_KEY = re.compile(r"whsec_[A-Za-z0-9+/]{24,}={0,2}")

# The server sets these arguments itself.
_OWN_ARGUMENTS = frozenset(
    {
        *("prompt", "negative_prompt", "image", "width", "height", "num_frames", "num_inference_steps", "generator"),
        *("callback_on_step_end", "callback_on_step_end_tensor_inputs", "output_type", "return_dict", "latents"),
        *("num_videos_per_prompt", "num_images_per_prompt"),
    }
)

Dtype = Literal["float32", "float16", "bfloat16"]
_GIB = 2**30
_LARGE = 2**31


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class ServerSettings(_Strict):
    """The table `[server]`."""

    device: str = Field(default="auto", pattern=r"^(auto|cpu|cuda(:\d+)?)$")
    """Where pipelines run. `auto`: the first GPU if there is one, else the CPU."""
    memory_gib: float | None = Field(default=None, gt=0)
    """Memory for loaded pipelines. None: 90 % of the GPU's, or half of the machine's on a CPU."""
    torch_threads: int = Field(default=4, ge=1, le=1024)
    """Threads of torch on the CPU. The same seed gives the same bytes only with the same number."""
    encoder_threads: int = Field(default=4, ge=1, le=64)
    """Threads of the H.264 encoder. The bytes of a file depend on the number."""
    queue_limit: int = Field(default=16, ge=1, le=10_000)
    """Jobs that may wait. One more is refused with 429."""
    step_timeout_seconds: float = Field(default=600, gt=0)
    """A job fails if a step, or the time before the first or after the last, takes longer."""
    load_timeout_seconds: float = Field(default=3600, gt=0)
    """A job fails if its pipeline takes longer to load. The first load may be a download of many GB."""
    drain_seconds: float = Field(default=600, ge=0)
    """After SIGTERM the running job has this time to finish."""
    keep_files_hours: float = Field(default=24, gt=0)
    """The life of a result."""
    keep_jobs_hours: float = Field(default=24 * 7, gt=0)
    """The life of the record of a job, and of its reference."""
    max_files_gib: float = Field(default=20, gt=0)
    """Disk for results. The oldest results make room for new ones."""
    max_picture_pixels: int = Field(default=50_000_000, gt=0)
    """The most pixels of a request's picture."""
    api_key: SecretStr | None = None
    """The key that calls must carry. The variable MODEL_SERVER_API_KEY wins."""
    webhook_key: SecretStr | None = None
    """The key that signs webhooks. The variable MODEL_SERVER_WEBHOOK_KEY wins. None: no webhooks."""

    @field_validator("api_key")
    @classmethod
    def _key_is_long(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and (len(value.get_secret_value()) < 16 or not value.get_secret_value().isascii()):
            raise ValueError("must have at least 16 ASCII characters")
        return value

    @field_validator("webhook_key")
    @classmethod
    def _key_is_of_standard_webhooks(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not _WEBHOOK_KEY.fullmatch(value.get_secret_value()):
            raise ValueError("must be whsec_ and base64 of at least 18 bytes")
        return value


class Pipeline(_Strict):
    """A table `[pipelines.NAME]`."""

    class_name: str = Field(alias="class")
    """The class of diffusers, one of the allow-list."""
    source: str = Field(min_length=1)
    """A folder (with a slash at its start, `./` or `../`), or a repository of the hub, such as `owner/name`."""
    revision: str | None = None
    """The commit of a repository: 40 hexadecimal digits. A folder has none."""
    variant: str | None = Field(default=None, pattern=r"^[A-Za-z0-9_-]+$")
    """The variant of the weights' files, such as `fp16`."""
    dtype: Dtype = "float32"
    """The number format of the weights."""
    component_dtypes: dict[str, Dtype] = Field(default_factory=dict)
    """Another format for a component, such as `vae = "float32"`."""
    offload: Literal["none", "model", "sequential"] = "none"
    """Keep components in the machine's memory and bring each to the GPU when it works: less GPU memory, more time."""
    vae_tiling: bool = False
    """Decode in tiles: less memory."""
    preload: bool = False
    """Load at the start instead of at the first job."""
    memory_gib: float | None = Field(default=None, gt=0)
    """Memory of the weights and of the largest request. None: the size of the weights' files."""
    width: int | None = Field(default=None, gt=0)
    """Pixels of a request without a size. None: the class's own, like the next five."""
    height: int | None = Field(default=None, gt=0)
    """Pixels, likewise."""
    num_frames: int | None = Field(default=None, gt=0)
    """Frames, likewise."""
    fps: int | None = Field(default=None, gt=0, le=120)
    """Frames in a second, likewise."""
    steps: int | None = Field(default=None, gt=0)
    """Denoising steps, likewise."""
    guidance: float | None = Field(default=None, ge=0)
    """Guidance, likewise."""
    negative_prompt: str | None = None
    """The negative prompt of a request without one."""
    size_multiple: int | None = Field(default=None, gt=0)
    """The grid of width and height, if the weights have another one than the class's usual weights."""
    max_pixels: int | None = Field(default=None, gt=0)
    """The most pixels of a frame. None: those of the default size."""
    max_frames: int | None = Field(default=None, gt=0)
    """The most frames. None: the default number."""
    max_steps: int | None = Field(default=None, gt=0)
    """The most steps. None: twice the default number."""
    options: frozenset[str] = frozenset()
    """The knobs of the class that a request may set."""
    arguments: dict[str, Annotated[Any, Field()]] = Field(default_factory=dict)
    """Arguments of every call, such as `decode_chunk_size = 2`."""

    @model_validator(mode="after")
    def _fits_its_class(self) -> Self:
        kind = CLASSES.get(self.class_name)
        if kind is None:
            raise ValueError(f"class {self.class_name!r} is not allowed. Allowed: {', '.join(sorted(CLASSES))}")
        if self.is_folder and self.revision is not None:
            raise ValueError("revision: a folder has none")
        if not self.is_folder and not _REVISION.fullmatch(self.revision or ""):
            raise ValueError(
                "revision must be the 40 hexadecimal digits of a commit: a branch or tag may change."
                " A local folder begins with / or ./ or ../"
            )
        if unknown := self.options - kind.knobs.keys():
            raise ValueError(f"options: {kind.name} has no {_listed(unknown)}. It has {_listed(kind.knobs) or 'none'}")
        own = _OWN_ARGUMENTS | {kind.guidance_argument, kind.fps_argument}
        if taken := self.arguments.keys() & own:
            raise ValueError(f"arguments: the server sets {_listed(taken)} itself")
        if kind.kind == "image" and (self.num_frames or self.fps or self.max_frames):
            raise ValueError("num_frames, fps and max_frames are for videos")
        sizes = SizeGrid(self.size_grid.multiple, self.max_pixels or _LARGE)
        if not sizes.allows(self.default_width, self.default_height):
            wide, high = sizes.nearest(self.default_width, self.default_height)
            raise ValueError(f"width and height must be legal for the class: {wide}x{high} is the nearest size")
        counts = FrameGrid(kind.frame_step, self.max_frames or _LARGE)
        if self.default_frames is not None and not counts.allows(self.default_frames):
            nearest = counts.nearest(self.default_frames)
            raise ValueError(f"num_frames must be legal for the class: {nearest} is the nearest number")
        if not kind.least_steps <= self.default_steps <= self.most_steps:
            raise ValueError(f"steps must be from {kind.least_steps} to max_steps ({self.most_steps})")
        return self

    @property
    def kind(self) -> PipelineClass:
        """The facts of the class."""
        return CLASSES[self.class_name]

    @property
    def is_folder(self) -> bool:
        """Whether the source is a folder of this machine."""
        return self.source.startswith(("/", "./", "../", "~"))

    @property
    def default_width(self) -> int:
        """Pixels of a request without a size."""
        return self.width or self.kind.width

    @property
    def default_height(self) -> int:
        """Pixels of a request without a size."""
        return self.height or self.kind.height

    @property
    def default_frames(self) -> int | None:
        """Frames of a request that names none. None: an image."""
        return self.num_frames or self.kind.num_frames

    @property
    def default_fps(self) -> int | None:
        """Frames in a second of a request that names none. None: an image."""
        return self.fps or self.kind.fps

    @property
    def default_steps(self) -> int:
        """Steps of a request that names none."""
        return self.steps or self.kind.steps

    @property
    def most_steps(self) -> int:
        """The most steps of a request."""
        return self.max_steps or 2 * self.default_steps

    @property
    def default_guidance(self) -> float | None:
        """Guidance of a request that names none. None: the pipeline takes none."""
        return self.kind.guidance if self.guidance is None else self.guidance

    @property
    def size_grid(self) -> SizeGrid:
        """The legal sizes."""
        most = self.max_pixels or self.default_width * self.default_height
        return SizeGrid(self.size_multiple or self.kind.size_multiple, most)

    @property
    def frame_grid(self) -> FrameGrid:
        """The legal numbers of frames."""
        return FrameGrid(self.kind.frame_step, self.max_frames or self.default_frames or 1)

    @property
    def memory_bytes(self) -> int | None:
        """The configured memory. None: not configured."""
        return None if self.memory_gib is None else int(self.memory_gib * _GIB)


class Configuration(_Strict):
    """The whole file."""

    server: ServerSettings = ServerSettings()
    """The server's settings."""
    pipelines: dict[str, Pipeline] = Field(min_length=1)
    """The pipelines by the name that requests use."""

    @field_validator("pipelines", mode="before")
    @classmethod
    def _names_with_dots_are_quoted(cls, value: object) -> object:
        """TOML reads `[pipelines.wan-2.1]` as a table `1` inside a table `wan-2`."""
        for name, table in value.items() if isinstance(value, dict) else ():
            if (path := _unquoted(str(name), table)) is not None:
                raise ValueError(f'quote a name with a dot: [pipelines."{path}"] instead of [pipelines.{path}]')
        return value

    @field_validator("pipelines")
    @classmethod
    def _names_are_plain(cls, value: dict[str, Pipeline]) -> dict[str, Pipeline]:
        for name in value:
            if not _NAME.fullmatch(name):
                raise ValueError(f"the name {name!r} must have 1 to 64 of a-z, 0-9, dot, dash and underscore")
        return value


def load(path: Path) -> Configuration:
    """Read a configuration file. A relative folder is relative to the file.

    Raises:
        ConfigurationInvalid: with a line for each mistake.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationInvalid(f"{path}: not readable: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationInvalid(f"{path}: not TOML: {error}") from None
    server = document.setdefault("server", {})
    for variable, name in ((API_KEY, "api_key"), (WEBHOOK_KEY, "webhook_key")):
        if isinstance(server, dict) and os.environ.get(variable):
            server[name] = os.environ[variable]
    try:
        configuration = Configuration.model_validate(document)
    except ValidationError as error:
        lines = [f"{path}: {'.'.join(map(str, one['loc']))}: {_plain(one['msg'])}" for one in error.errors()]
        raise ConfigurationInvalid("\n".join(lines)) from None
    folder = path.resolve().parent
    return configuration.model_copy(
        update={"pipelines": {name: _located(each, folder) for name, each in configuration.pipelines.items()}}
    )


def _unquoted(name: str, table: object) -> str | None:
    """The whole name of a pipeline that stands in tables inside each other; None if it stands in one table."""
    for part, inner in table.items() if isinstance(table, dict) and "class" not in table else ():
        path = f"{name}.{part}"
        if isinstance(inner, dict) and "class" in inner:
            return path
        if (found := _unquoted(path, inner)) is not None:
            return found
    return None


def _located(pipeline: Pipeline, folder: Path) -> Pipeline:
    if not pipeline.is_folder:
        return pipeline
    source = (folder / Path(pipeline.source).expanduser()).resolve()
    return pipeline.model_copy(update={"source": str(source)})


def _plain(message: str) -> str:
    return message.removeprefix("Value error, ")


def _listed(names: object) -> str:
    return ", ".join(sorted(names))  # type: ignore[call-overload]
