"""Settings of the metrics of the processes."""

from pathlib import Path

from pydantic import BaseModel, Field


class MetricsSettings(BaseModel):
    """Where Prometheus reads the metrics of each process, and how often the figures of the database are read."""

    enabled: bool = Field(default=True, description="false: no process opens a port for Prometheus")
    host: str = Field(default="127.0.0.1", description="has no login: listen on loopback or in a private network only")
    port: int = Field(
        default=9464, ge=0, le=65535, description="the first process takes it, the others the next free ones; 0: any"
    )
    targets_folder: Path | None = Field(
        default=None,
        description="a file for each process, for `file_sd`; empty: `metrics` in the data folder, if that is there",
    )
    figures_seconds: float = Field(
        default=10.0,
        ge=1,
        le=300,
        description="between two readings of the database, by one process of the role notify",
    )

    def folder_in(self, data_folder: Path) -> Path | None:
        """The folder of the targets. None: there is none."""
        if self.targets_folder is not None:
            return self.targets_folder.expanduser()
        return data_folder / "metrics" if data_folder.is_dir() else None
