"""The store: one server a folder, and results that make room."""

from pathlib import Path

import pytest

from model_server.jobs import Job, ResultFile, Status, Work
from model_server.store import FolderInUse, NewJob, QueueClosed, QueueFull, Store

_WORK = Work(
    prompt="a cat", negative_prompt=None, has_picture=True, width=2, height=1, num_frames=None, fps=None, steps=4,
    guidance=None, seed=1, options={},
)  # fmt: skip
_DAY = 86_400.0


def _new(reference: str) -> NewJob:
    return NewJob(reference, "digest", "sdxl", _WORK, b"sixbyt", None)


def _succeeded(store: Store, reference: str, size: int) -> Job:
    job, _ = store.add(_new(reference), queue_limit=10)
    store.take()
    store.run(job.id)
    store.file_of(job.id).write_bytes(b"x" * size)
    file = ResultFile("image/png", size, "0" * 64, 2, 1, None, None)
    ended = store.finish(job.id, Status.SUCCEEDED, file=file)
    assert ended is not None
    return ended


def test_a_second_store_of_a_folder_is_refused_and_the_folder_is_free_afterwards(tmp_path: Path) -> None:
    first = Store(tmp_path, instance="a")
    with pytest.raises(FolderInUse, match="another model server"):
        Store(tmp_path, instance="b")
    first.close()
    Store(tmp_path, instance="c").close()


def test_the_job_that_waited_longest_is_taken_first(tmp_path: Path) -> None:
    store = Store(tmp_path, instance="a")
    jobs = [store.add(_new(str(place)), queue_limit=3)[0] for place in range(3)]
    with pytest.raises(QueueFull):
        store.add(_new("one too many"), queue_limit=3)
    assert [store.ahead(job) for job in jobs] == [0, 1, 2]
    taken = store.take()
    assert taken is not None
    assert (taken.id, taken.status) == (jobs[0].id, Status.LOADING)
    assert store.ahead(jobs[2]) == 2
    store.close()


def test_a_closed_queue_loses_what_waits_and_takes_no_more(tmp_path: Path) -> None:
    store = Store(tmp_path, instance="a")
    running, _ = store.add(_new("runs"), queue_limit=3)
    store.take()
    waiting, _ = store.add(_new("waits"), queue_limit=3)
    assert [job.id for job in store.close_queue()] == [waiting.id]
    with pytest.raises(QueueClosed):
        store.add(_new("too late"), queue_limit=3)
    assert store.add(_new("runs"), queue_limit=3) == (store.of(running.id), False), "a known job is answered"
    assert store.of(running.id).status is Status.LOADING
    store.close()


def test_a_job_ends_once(tmp_path: Path) -> None:
    store = Store(tmp_path, instance="a")
    job = _succeeded(store, "one", 1)
    assert store.finish(job.id, Status.FAILED, error=("timeout", "late")) is None
    assert store.cancel(job.id) == store.of(job.id)
    assert store.of(job.id).status is Status.SUCCEEDED
    assert store.lose(Status.QUEUED, Status.LOADING, Status.RUNNING) == []
    store.close()


def test_a_picture_goes_when_its_job_ends(tmp_path: Path) -> None:
    store = Store(tmp_path, instance="a")
    job, _ = store.add(_new("one"), queue_limit=1)
    assert store.picture(job) == b"sixbyt"
    store.cancel(job.id)
    assert list((tmp_path / "pictures").iterdir()) == []
    store.close()


def test_the_oldest_results_make_room_and_old_jobs_go(tmp_path: Path) -> None:
    store = Store(tmp_path, instance="a")
    jobs = [_succeeded(store, str(place), 10) for place in range(3)]
    assert store.sweep(keep_files_seconds=_DAY, keep_jobs_seconds=_DAY, max_file_bytes=25) == 1
    assert [store.of(job.id).is_file_expired for job in jobs] == [True, False, False]
    assert [store.file_of(job.id).exists() for job in jobs] == [False, True, True]
    assert store.file_bytes() == 20
    assert store.sweep(keep_files_seconds=-1, keep_jobs_seconds=_DAY, max_file_bytes=100) == 2
    store.sweep(keep_files_seconds=-1, keep_jobs_seconds=-1, max_file_bytes=100)
    assert [store.by_id(job.id) for job in jobs] == [None, None, None]
    assert store.add(_new("0"), queue_limit=1)[1]
    store.close()


def test_files_of_no_job_go_at_the_start(tmp_path: Path) -> None:
    store = Store(tmp_path, instance="a")
    kept = _succeeded(store, "kept", 3)
    half, _ = store.add(_new("half"), queue_limit=2)
    store.take()
    store.file_of(half.id).write_bytes(b"half a file")
    store.close()
    store = Store(tmp_path, instance="b")
    assert [job.reference for job in store.lose(Status.QUEUED, Status.LOADING, Status.RUNNING)] == ["half"]
    store.remove_strays()
    assert [path.name for path in (tmp_path / "files").iterdir()] == [kept.id]
    store.close()
