"""The jobs in SQLite, and their pictures and results as files, in one folder of one server."""

import fcntl
import os
import sqlite3
import time
import uuid
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import RLock
from typing import Any

from model_server.jobs import ENDED, Job, ResultFile, Status, Work

_TABLE = """
CREATE TABLE IF NOT EXISTS jobs (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    reference TEXT NOT NULL UNIQUE,
    body_digest TEXT NOT NULL,
    pipeline TEXT NOT NULL,
    work TEXT NOT NULL,
    status TEXT NOT NULL,
    step INTEGER NOT NULL DEFAULT 0,
    cancel_requested INTEGER NOT NULL DEFAULT 0,
    created_at REAL NOT NULL,
    started_at REAL,
    finished_at REAL,
    content_type TEXT, bytes INTEGER, sha256 TEXT, width INTEGER, height INTEGER, frames INTEGER, fps INTEGER,
    file_expired INTEGER NOT NULL DEFAULT 0,
    error_code TEXT,
    error_message TEXT,
    webhook_url TEXT,
    instance TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS jobs_by_status ON jobs (status, number);
"""
_FACTS = ("content_type", "bytes", "sha256", "width", "height", "frames", "fps")
_SET_FACTS = ", ".join(f"{name} = ?" for name in _FACTS)
_UNFINISHED = "('queued', 'loading', 'running')"


class FolderInUse(Exception):
    """Another server uses the folder."""


class QueueFull(Exception):
    """As many jobs wait as may wait."""


class QueueClosed(Exception):
    """The server is about to stop."""


@dataclass(frozen=True)
class NewJob:
    """What makes a job."""

    reference: str
    """The caller's own name."""
    body_digest: str
    """The digest of the request."""
    pipeline: str
    """The configured name."""
    work: Work
    """The request with its defaults."""
    picture: bytes | None
    """RGB, three bytes a pixel, `work.width` times `work.height`. None: none."""
    webhook_url: str | None
    """Where the finished job is sent."""


class Store:
    """All calls are safe from every thread. Each change is one transaction."""

    def __init__(self, folder: Path, *, instance: str) -> None:
        """Open the folder, which is made where it is missing.

        Raises:
            FolderInUse: another server uses it.
        """
        self._pictures = folder / "pictures"
        self._files = folder / "files"
        for each in (folder, self._pictures, self._files):
            each.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._guard = os.open(folder / "lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._guard, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._guard)
            raise FolderInUse(f"{folder}: another model server uses this folder") from None
        self._instance = instance
        self._lock = RLock()
        self._is_closed_to_new = False
        self._database = sqlite3.connect(folder / "jobs.sqlite", isolation_level=None, check_same_thread=False)
        self._database.row_factory = sqlite3.Row
        self._database.execute("PRAGMA journal_mode=WAL")
        self._database.execute("PRAGMA synchronous=NORMAL")
        self._database.executescript(_TABLE)

    def close(self) -> None:
        """Close the database and leave the folder to another server."""
        with self._lock:
            self._database.close()
            os.close(self._guard)

    def add(self, new: NewJob, *, queue_limit: int) -> tuple[Job, bool]:
        """Queue a job; or the job that has the reference, and False.

        Raises:
            QueueFull: `queue_limit` jobs wait.
            QueueClosed: after `close_queue`.
        """
        with self._lock:
            if (known := self.by_reference(new.reference)) is not None:
                return known, False
            if self._is_closed_to_new:
                raise QueueClosed
            if self.count(Status.QUEUED) >= queue_limit:
                raise QueueFull
            job_id = uuid.uuid4().hex
            if new.picture is not None:
                self._picture_of(job_id).write_bytes(new.picture)
            self._database.execute(
                "INSERT INTO jobs (id, reference, body_digest, pipeline, work, status, created_at, webhook_url,"
                " instance) VALUES (?, ?, ?, ?, ?, 'queued', ?, ?, ?)",
                (job_id, new.reference, new.body_digest, new.pipeline, new.work.model_dump_json(), time.time(),
                 new.webhook_url, self._instance),
            )  # fmt: skip
            return self.of(job_id), True

    def close_queue(self) -> list[Job]:
        """Add no further job. The jobs that wait end as `lost`, and are returned."""
        with self._lock:
            self._is_closed_to_new = True
            return self.lose(Status.QUEUED)

    def by_id(self, job_id: str) -> Job | None:
        """The job, or None."""
        return self._one("SELECT * FROM jobs WHERE id = ?", job_id)

    def by_reference(self, reference: str) -> Job | None:
        """The job, or None."""
        return self._one("SELECT * FROM jobs WHERE reference = ?", reference)

    def of(self, job_id: str) -> Job:
        """A job that exists."""
        job = self.by_id(job_id)
        if job is None:
            raise LookupError(job_id)
        return job

    def count(self, *statuses: Status) -> int:
        """The number of jobs in these states."""
        marks = ", ".join("?" * len(statuses))
        return self._number(f"SELECT count(*) FROM jobs WHERE status IN ({marks})", *statuses)

    def ahead(self, job: Job) -> int:
        """The jobs that run, or wait before this one. 0 once the job is not queued."""
        if job.status is not Status.QUEUED:
            return 0
        return self._number(
            f"SELECT count(*) FROM jobs WHERE status IN {_UNFINISHED}"
            " AND number < (SELECT number FROM jobs WHERE id = ?)",
            job.id,
        )

    def take(self) -> Job | None:
        """The job that has waited longest, from now on `loading`. None: no job waits."""
        return self._one(
            "UPDATE jobs SET status = 'loading', started_at = ? WHERE number ="
            " (SELECT min(number) FROM jobs WHERE status = 'queued') RETURNING *",
            time.time(),
        )

    def run(self, job_id: str) -> None:
        """The pipeline is there, and the job's first step begins."""
        self._write(
            "UPDATE jobs SET status = 'running', step = 0 WHERE id = ? AND status IN ('loading', 'running')", job_id
        )

    def note_step(self, job_id: str, step: int) -> bool:
        """A step is finished. Returns whether the job must stop: a cancel came, or the job ended meanwhile."""
        job = self._one("UPDATE jobs SET step = ? WHERE id = ? AND status = 'running' RETURNING *", step, job_id)
        return job is None or job.is_cancel_requested

    def is_cancel_requested(self, job_id: str) -> bool:
        """Whether a cancel came, or the job ended meanwhile."""
        job = self.by_id(job_id)
        return job is None or job.is_cancel_requested or job.status in ENDED

    def cancel(self, job_id: str) -> Job | None:
        """Cancel a queued job at once, and ask a running one to stop. None: no such job."""
        with self._lock:
            self._write(
                "UPDATE jobs SET cancel_requested = 1, finished_at = iif(status = 'queued', ?, finished_at),"
                " status = iif(status = 'queued', 'cancelled', status)"
                f" WHERE id = ? AND status IN {_UNFINISHED}",
                time.time(),
                job_id,
            )
            job = self.by_id(job_id)
            if job is not None and job.status in ENDED:
                self._forget_picture(job_id)
            return job

    def finish(
        self,
        job_id: str,
        status: Status,
        *,
        file: ResultFile | None = None,
        error: tuple[str, str] | None = None,
    ) -> Job | None:
        """End a job. None: the job ended before, and stays as it is."""
        code, message = error or (None, None)
        facts = [getattr(file, name, None) for name in _FACTS]
        with self._lock:
            job = self._one(
                f"UPDATE jobs SET status = ?, finished_at = ?, {_SET_FACTS}, error_code = ?, error_message = ?"
                f" WHERE id = ? AND status IN {_UNFINISHED} RETURNING *",
                status, time.time(), *facts, code, message, job_id,
            )  # fmt: skip
            if job is not None:
                self._forget_picture(job_id)
                if status is not Status.SUCCEEDED:
                    self.file_of(job_id).unlink(missing_ok=True)
            return job

    def lose(self, *statuses: Status) -> list[Job]:
        """Jobs in these states end as `lost`."""
        with self._lock:
            marks = ", ".join("?" * len(statuses))
            rows = self._database.execute(
                f"UPDATE jobs SET status = 'lost', finished_at = ? WHERE status IN ({marks}) RETURNING *",
                (time.time(), *statuses),
            ).fetchall()
            jobs = [_job(row) for row in rows]
            for job in jobs:
                self._forget_picture(job.id)
            return jobs

    def picture(self, job: Job) -> bytes:
        """The job's picture: RGB, three bytes a pixel."""
        return self._picture_of(job.id).read_bytes()

    def file_of(self, job_id: str) -> Path:
        """Where a job's result is, or will be."""
        return self._files / job_id

    def sweep(self, *, keep_files_seconds: float, keep_jobs_seconds: float, max_file_bytes: int) -> int:
        """Remove old results, the oldest beyond the bound of the disk, and old jobs. Returns the results removed."""
        now = time.time()
        with self._lock:
            kept = self._database.execute(
                "SELECT id, bytes, finished_at FROM jobs WHERE bytes IS NOT NULL AND NOT file_expired"
                " ORDER BY number DESC"
            ).fetchall()
            total = removed = 0
            for row in kept:
                total += row["bytes"]
                if total > max_file_bytes or row["finished_at"] < now - keep_files_seconds:
                    self.file_of(row["id"]).unlink(missing_ok=True)
                    self._write("UPDATE jobs SET file_expired = 1 WHERE id = ?", row["id"])
                    removed += 1
            gone = self._database.execute(
                f"DELETE FROM jobs WHERE finished_at < ? AND status NOT IN {_UNFINISHED} RETURNING id",
                (now - keep_jobs_seconds,),
            ).fetchall()
            for row in gone:
                self.file_of(row["id"]).unlink(missing_ok=True)
            return removed

    def remove_strays(self) -> None:
        """Remove files of no job, which a killed server leaves. Only before the first job runs."""
        with self._lock:
            named = {row["id"] for row in self._database.execute("SELECT id FROM jobs WHERE bytes IS NOT NULL")}
            for path in self._files.iterdir():
                if path.name not in named:
                    path.unlink()
            waiting = {row["id"] for row in self._database.execute("SELECT id FROM jobs WHERE status = 'queued'")}
            for path in self._pictures.iterdir():
                if path.name not in waiting:
                    path.unlink()

    def file_bytes(self) -> int:
        """The bytes of all results on disk."""
        return self._number("SELECT coalesce(sum(bytes), 0) FROM jobs WHERE NOT file_expired")

    def _picture_of(self, job_id: str) -> Path:
        return self._pictures / job_id

    def _forget_picture(self, job_id: str) -> None:
        with suppress(OSError):
            self._picture_of(job_id).unlink(missing_ok=True)

    def _one(self, statement: str, *values: Any) -> Job | None:
        with self._lock:
            row = self._database.execute(statement, values).fetchall()
            return _job(row[0]) if row else None

    def _number(self, statement: str, *values: Any) -> int:
        with self._lock:
            return int(self._database.execute(statement, values).fetchone()[0])

    def _write(self, statement: str, *values: Any) -> None:
        with self._lock:
            self._database.execute(statement, values)


def _job(row: sqlite3.Row) -> Job:
    return Job(
        id=row["id"],
        reference=row["reference"],
        body_digest=row["body_digest"],
        pipeline=row["pipeline"],
        work=Work.model_validate_json(row["work"]),
        status=Status(row["status"]),
        step=row["step"],
        is_cancel_requested=bool(row["cancel_requested"]),
        created_at=row["created_at"],
        started_at=row["started_at"],
        finished_at=row["finished_at"],
        file=None if row["bytes"] is None else ResultFile(**{name: row[name] for name in _FACTS}),
        is_file_expired=bool(row["file_expired"]),
        error_code=row["error_code"],
        error_message=row["error_message"],
        webhook_url=row["webhook_url"],
        instance=row["instance"],
    )
