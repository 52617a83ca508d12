"""The one thread that loads pipelines and runs jobs, one after the other."""

import os
import sqlite3
import time
from collections.abc import Callable
from threading import Event, Lock, Thread

import structlog
from PIL.Image import Image

from model_server import generating, measured
from model_server.configuration import Configuration
from model_server.errors import FailureCode, JobFailed
from model_server.jobs import Job, ResultFile, Status
from model_server.loading import Runnable
from model_server.shelf import Shelf, check_device, free_memory
from model_server.store import Store

log = structlog.get_logger()

_GIB = 2**30
_SWEEP_SECONDS = 60.0
# A call that ignores its end for so long hangs: only a new process gets the device back.
_HANG_SECONDS = 30.0


class Runner(Thread):
    """Takes the job that has waited longest, until it is stopped."""

    def __init__(self, configuration: Configuration, store: Store, *, on_end: Callable[[Job], None]) -> None:
        """Describe the thread. `on_end` is told of each job that ends here."""
        super().__init__(name="runner", daemon=True)
        self._configuration = configuration
        self._store = store
        self._on_end = on_end
        self._wakes = Event()
        self._stops = Event()
        self._is_abandoned = False
        self._current: Job | None = None
        self._deadline = 0.0
        self._limit = 0.0
        self._watch_lock = Lock()
        self.ready = Event()
        """Set once torch is there and the pipelines to preload are loaded."""
        self.device = ""
        """The device, such as `cuda:0`. Empty before `ready`."""
        self.shelf: Shelf | None = None
        """The loaded pipelines. None before `ready`."""

    def wake(self) -> None:
        """A job waits."""
        self._wakes.set()

    def drain(self) -> None:
        """Take no further job. The running one goes on."""
        self._stops.set()
        self._wakes.set()

    def abandon(self) -> None:
        """The running job ends as `lost` at its next step."""
        self._is_abandoned = True

    def run(self) -> None:
        """Prepare, and run jobs. An error that is no job's own ends the process."""
        Thread(target=self._or_end, args=(self._watch,), name="watch", daemon=True).start()
        self._or_end(self._run_jobs)

    def _or_end(self, work: Callable[[], None]) -> None:
        """Do the work of a thread. A server without the thread would take jobs that never end, so an error ends it."""
        try:
            work()
        except BaseException:
            if self._is_abandoned:
                # The server ends already, and may have closed the store.
                return
            log.critical("model_server_broken", exc_info=True, action="the process ends")
            os._exit(1)

    def _run_jobs(self) -> None:
        self._prepare()
        self.ready.set()
        while not self._stops.is_set():
            job = self._store.take()
            if job is None:
                self._wakes.wait(_SWEEP_SECONDS)
                self._wakes.clear()
            else:
                self._work_on(job)
            self._sweep()

    def _prepare(self) -> None:
        import diffusers
        import torch
        import transformers

        settings = self._configuration.server
        diffusers.logging.set_verbosity_error()
        transformers.logging.set_verbosity_error()
        transformers.logging.disable_progress_bar()
        diffusers.logging.disable_progress_bar()
        torch.set_num_threads(settings.torch_threads)
        torch.backends.cudnn.benchmark = False
        torch.backends.cudnn.deterministic = True
        self.device = _device(settings.device)
        check_device(self.device)
        memory = int(settings.memory_gib * _GIB) if settings.memory_gib else _usual_memory(self.device)
        self.shelf = Shelf(self._configuration, device=self.device, memory_bytes=memory)
        log.info("model_server_ready", device=self.device, torch=torch.__version__, memory_bytes=memory)
        for name, pipeline in self._configuration.pipelines.items():
            if pipeline.preload:
                try:
                    self.shelf.get(name)
                except (JobFailed, torch.OutOfMemoryError) as error:
                    log.error("pipeline_not_loaded", pipeline=name, reason=str(error))

    def _work_on(self, job: Job) -> None:
        import torch

        began = time.monotonic()
        self._expect(self._configuration.server.load_timeout_seconds, of=job)
        status, error = Status.FAILED, None
        file = None
        try:
            images = self._images(job)
            self._expect(self._configuration.server.step_timeout_seconds)
            threads = self._configuration.server.encoder_threads
            file = generating.write(self._store.file_of(job.id), job, images, threads=threads)
            status = Status.CANCELLED if self._store.is_cancel_requested(job.id) else Status.SUCCEEDED
        except generating.Stopped:
            status = Status.LOST if self._is_abandoned else Status.CANCELLED
        except JobFailed as failure:
            error = (failure.code.value, failure.message)
        except (torch.OutOfMemoryError, MemoryError) as failure:
            error = (
                FailureCode.OUT_OF_MEMORY.value,
                f"the job does not fit into the memory of {self.device}: {_short(failure)}",
            )
        except sqlite3.Error:
            # The server's own trouble. The job is lost, and can run elsewhere.
            raise
        except Exception as failure:
            log.warning("pipeline_failed", job=job.id, pipeline=job.pipeline, exc_info=True)
            error = (FailureCode.PIPELINE_FAILED.value, f"{type(failure).__name__}: {_short(failure)}")
        finally:
            with self._watch_lock:
                self._current = None
        if status is not Status.SUCCEEDED:
            file = None
            # Raises if the device is broken for this process. The process ends, and the job is lost.
            check_device(self.device)
            free_memory()
        self._end(job, status, file, error, seconds=time.monotonic() - began)

    def _images(self, job: Job) -> list[Image]:
        """The job's frames. Where memory runs out beside other loaded pipelines, these make room for one more try."""
        import torch

        try:
            return self._tried(job)
        except torch.OutOfMemoryError:
            free_memory()
            if not self._filled().keep_only(job.pipeline):
                raise
        log.info("job_tried_again_alone", job=job.id, pipeline=job.pipeline)
        return self._tried(job)

    def _tried(self, job: Job) -> list[Image]:
        settings = self._configuration.server
        self._expect(settings.load_timeout_seconds)
        loaded: Runnable = self._filled().get(job.pipeline)
        if self._must_stop(job.id):
            raise generating.Stopped
        self._store.run(job.id)
        self._expect(settings.step_timeout_seconds)

        def after_step(step: int) -> bool:
            self._expect(settings.step_timeout_seconds)
            measured.STEPS.labels(job.pipeline).inc()
            return self._store.note_step(job.id, step) or self._is_abandoned

        picture = self._store.picture(job) if job.work.has_picture else None
        pipeline = self._configuration.pipelines[job.pipeline]
        return generating.generate(job, pipeline, loaded, picture=picture, after_step=after_step)

    def _filled(self) -> Shelf:
        if self.shelf is None:
            raise RuntimeError("jobs run after the preparation")
        return self.shelf

    def _must_stop(self, job_id: str) -> bool:
        return self._is_abandoned or self._store.is_cancel_requested(job_id)

    def _end(
        self, job: Job, status: Status, file: ResultFile | None, error: tuple[str, str] | None, *, seconds: float
    ) -> None:
        ended = self._store.finish(job.id, status, file=file, error=error)
        if ended is None:
            # The watch ended the job before.
            self._store.file_of(job.id).unlink(missing_ok=True)
            return
        if status is Status.SUCCEEDED:
            measured.JOB_SECONDS.labels(job.pipeline).observe(seconds)
        self._tell(ended)

    def _tell(self, job: Job) -> None:
        measured.JOBS.labels(job.pipeline, job.error_code or job.status.value).inc()
        log.info(
            "job_ended", job=job.id, pipeline=job.pipeline, status=job.status.value, error=job.error_code, step=job.step
        )
        self._on_end(job)

    def _sweep(self) -> None:
        settings = self._configuration.server
        self._store.sweep(
            keep_files_seconds=settings.keep_files_hours * 3600,
            keep_jobs_seconds=settings.keep_jobs_hours * 3600,
            max_file_bytes=int(settings.max_files_gib * _GIB),
        )

    def _expect(self, seconds: float, *, of: Job | None = None) -> None:
        """The next sign of life must come within so many seconds. `of`: the job that begins."""
        with self._watch_lock:
            self._limit, self._deadline = seconds, time.monotonic() + seconds
            self._current = of or self._current

    def _watch(self) -> None:
        """End a job whose step takes too long, and the process where the call does not end even then."""
        late: Job | None = None
        since = 0.0
        while True:
            time.sleep(min(1.0, _HANG_SECONDS / 10))
            with self._watch_lock:
                job = self._current
                is_late = job is not None and time.monotonic() > self._deadline
                limit = self._limit
            if job is None or late is None or job.id != late.id:
                late = None
            if late is not None and time.monotonic() - since > _HANG_SECONDS:
                log.critical("model_server_hangs", job=late.id, pipeline=late.pipeline, action="the process ends")
                os._exit(1)
            if is_late and late is None and job is not None:
                late, since = job, time.monotonic()
                text = f"no step within {limit:g} s"
                if ended := self._store.finish(job.id, Status.FAILED, error=(FailureCode.TIMEOUT.value, text)):
                    self._tell(ended)


def _device(wanted: str) -> str:
    import torch

    if wanted == "auto":
        return "cuda:0" if torch.cuda.is_available() else "cpu"
    return "cuda:0" if wanted == "cuda" else wanted


def _usual_memory(device: str) -> int:
    import psutil
    import torch

    if device == "cpu":
        return int(psutil.virtual_memory().total) // 2
    return int(torch.cuda.mem_get_info(device)[1] * 0.9)


def _short(error: BaseException) -> str:
    return " ".join(str(error).split())[:500]
