"""A replay in chunks: here, or over Celery workers, with the same figures to the last byte.

    job = jobs.make(series, rules)                 # or jobs.from_inputs(given)
    with fan_out.Workers(2) as crew:               # or fan_out.Here()
        lessons = fan_out.learn(job, crew, progress)
        figures = fan_out.judge(job, crew, lessons, lessons.vectors, progress)
    jobs.drop(job)

Only a chunk's series are in memory. A message says "go and look at chunk N of a stage": done chunks are left
alone, a chunk whose worker was killed is asked for again, and one that two were asked for is done by one. A
replay that was interrupted goes on where it stopped when it is called again with the same job.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from typing import TYPE_CHECKING, Any, Protocol, Self
from urllib.parse import urlsplit

from celery import current_app
from django.conf import settings
from django.db import connection

from apps.common.errors import DomainError
from apps.embedded import children, programs

from . import chunks, tasks
from .work import work

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterable, Mapping

    from .jobs import Job
    from .replay import Lessons, Progress

POLL_S = 0.05
ASK_AGAIN_S = 20.0
"""After this long a chunk that nobody is at is asked for again."""
VOID_S = 3 * ASK_AGAIN_S
"""After this long a message is no longer read; there are later ones."""
STARTS = 10
"""Workers that may be started in all for each that is wanted; more deaths than that are no accident."""
STOP_S = 10.0


class ReplayFailedError(DomainError):
    """A chunk cannot be done, or no worker stays alive; the message says which and why."""


class Crew(Protocol):
    """Whoever does the chunks of a stage."""

    def do(self, job: Job, stage: str, progress: Progress | None) -> None:
        """Have every chunk of the stage done."""


class Here:
    """This process, chunk by chunk."""

    def do(self, job: Job, stage: str, progress: Progress | None) -> None:
        for number in job.missing(stage):
            work(job, stage, number)
            _tell(progress, job, stage)


class Workers:
    """Celery workers of our own on the queue of replays; others that listen on it help. A context manager.

    `count` may be 0: then all workers are those that run elsewhere (`celery -A config worker -Q replay`),
    with the same database, or broker, and data folder.
    """

    def __init__(self, count: int) -> None:
        self.count = count
        self._processes: list[subprocess.Popen[bytes]] = []
        self._started = 0

    def __enter__(self) -> Self:
        self._keep_running()
        return self

    def __exit__(self, *exc: object) -> None:
        for process in self._processes:
            process.terminate()
        deadline = time.monotonic() + STOP_S
        while any(process.poll() is None for process in self._processes) and time.monotonic() < deadline:
            time.sleep(POLL_S)
        for process in self._processes:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    @property
    def pids(self) -> list[int]:
        """Process ids of the workers that run now."""
        return [process.pid for process in self._processes if process.poll() is None]

    def do(self, job: Job, stage: str, progress: Progress | None) -> None:
        """Ask for the chunks, and again for those whose worker was lost, until all are done.

        Raises:
            ReplayFailedError: a chunk cannot be done, or no worker stays alive.
        """
        for number in job.missing(stage):
            job.failure(stage, number).unlink(missing_ok=True)
        asked: dict[int, float] = {}
        while missing := job.missing(stage):
            self._keep_running()
            _refuse_failures(job, stage, missing)
            now = time.monotonic()
            due = [number for number in missing if now - asked.get(number, -ASK_AGAIN_S) >= ASK_AGAIN_S]
            free = [number for number in due if not _held(job, stage, number)]
            _ask(job, stage, free)
            asked |= dict.fromkeys(due, now)
            _tell(progress, job, stage)
            time.sleep(POLL_S)
        _tell(progress, job, stage)

    def _keep_running(self) -> None:
        self._processes = [process for process in self._processes if process.poll() is None]
        while len(self._processes) < self.count:
            if self._started >= STARTS * self.count:
                raise ReplayFailedError(
                    f"{self._started} workers were started and none stays alive; "
                    f"{settings.DATA_FOLDER / 'logs' / 'replay.log'} says why."
                )
            self._started += 1
            self._processes.append(_worker(self._started))


def learn(job: Job, crew: Crew, progress: Progress | None = None) -> Lessons:
    """Fit all three arms on the training slices, as `replay.learn` does."""
    crew.do(job, "count", progress)
    facts = chunks.sums(job)
    turn = 0
    while True:
        turn += 1
        job.tell(f"learn-{turn}", facts)
        crew.do(job, f"learn-{turn}", progress)
        wanted = chunks.wanted(job, f"learn-{turn}")
        if not wanted:
            return chunks.lessons(job, f"learn-{turn}")
        job.tell(f"weigh-{turn}", {"wanted": wanted})
        crew.do(job, f"weigh-{turn}", progress)
        facts["weighed"] += chunks.weighed(job, f"weigh-{turn}")


def judge(
    job: Job,
    crew: Crew,
    lessons: Lessons,
    vectors: Mapping[str, Mapping[str, object]],
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Figures of the three arms on the held-out slices, equal to those of `replay.report`."""
    job.tell("judge", chunks.to_judge(lessons, vectors))
    crew.do(job, "judge", progress)
    return chunks.report(job, lessons, vectors)


def _ask(job: Job, stage: str, numbers: Iterable[int]) -> None:
    """Send the messages."""
    with _broker() as broker:
        for number in numbers:
            tasks.replay_chunk.apply_async(  # type: ignore[call-arg]  # the stubs lack `connection`
                (job.name, stage, number), connection=broker, queue=tasks.QUEUE, expires=VOID_S
            )


def _held(job: Job, stage: str, number: int) -> bool:
    with job.hold(stage, number) as free:
        return not free


def _refuse_failures(job: Job, stage: str, numbers: Iterable[int]) -> None:
    for number in numbers:
        if job.failure(stage, number).exists():
            why = job.failure(stage, number).read_text()
            raise ReplayFailedError(f"Chunk {number} of stage {stage} of replay {job.name}: {why}")


def _worker(number: int) -> subprocess.Popen[bytes]:
    """A worker with one process that computes. Its log is in the data folder's `logs/replay.log`."""
    command = (
        sys.executable, "-m", "celery", "-A", "config", "worker", "-Q", tasks.QUEUE, "-c", "1",
        "--without-gossip", "--without-mingle", "-l", "WARNING", "-n", f"replay{number}.{os.getpid()}@%h",
    )  # fmt: skip
    env = programs.environment(
        database_url=_database_url(), public_url=settings.CONFIGURED_URL, secret_key=settings.SECRET_KEY
    )
    logs = settings.DATA_FOLDER / "logs"
    logs.mkdir(mode=0o700, parents=True, exist_ok=True)
    return children.start(
        command,
        env={**env, "AFTERCAST_DATA": str(settings.DATA_FOLDER)},
        cwd=programs.CHECKOUT,
        log=logs / "replay.log",
    )


def _database_url() -> str:
    """Of the database that we use now: commands point the connection at another while they run."""
    return urlsplit(settings.DATABASE_URL)._replace(path=f"/{connection.settings_dict['NAME']}").geturl()


def _broker() -> Any:
    """A connection to the queues, which live in the database that we use now unless BROKER_URL is set."""
    if settings.BROKER_URL:
        return current_app.connection_for_write(settings.BROKER_URL)
    url = _database_url()
    # Said twice: the queue's own client prefers what DATABASE_URL was when this process began.
    return current_app.connection_for_write(
        urlsplit(url)._replace(scheme="pgmq").geturl(), transport_options={"conn_string": url}
    )


def _tell(progress: Progress | None, job: Job, stage: str) -> None:
    if progress is not None:
        progress(stage, job.chunks - len(job.missing(stage)), job.chunks)
